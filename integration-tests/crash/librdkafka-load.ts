import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { GROUP, type Ledger, newLedger, valuesOf } from './load.ts'

const program = join(import.meta.dirname, '..', 'clients', 'python', 'crash_load.py')

/** librdkafka, which lives on while the broker is killed and started: what it told fills the books. */
export class LibrdkafkaLoad {
  readonly ledger: Ledger = newLedger()
  /** What must not happen to an idempotent producer, whatever the broker does. */
  readonly failures: string[] = []
  commits = 0
  readonly #topic: string
  readonly #child: ChildProcess
  #onProgress = () => {}
  #stderr = ''

  constructor(python: string, bootstrapServers: string, topic: string) {
    this.#topic = topic
    this.#child = spawn(python, [program, bootstrapServers, topic, GROUP], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    })
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.#child.on('exit', () => this.#onProgress())
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.#take(line)
      this.#onProgress()
    })
  }

  get acknowledged(): number {
    return valuesOf(this.ledger.acknowledged, this.#topic).size
  }

  /** Resolves when something holds that lines of the program bring about; rejects when it has ended. */
  until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onProgress = () => {
        if (isSo()) resolve()
        else if (this.#child.exitCode !== null) reject(new Error(`the load ended: ${this.#stderr}`))
      }
      this.#onProgress()
    })
  }

  /** Lets it bring to an end what it has begun. */
  async stop(): Promise<void> {
    const closed = once(this.#child, 'close')
    this.#child.stdin!.end()
    await closed
    if (this.#stderr !== '') this.failures.push(this.#stderr)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #take(line: string): void {
    const { acknowledged, unanswered, commits, topics } = this.ledger
    const [what = '', value = ''] = line.split(' ')
    switch (what) {
      case 'sends':
        valuesOf(unanswered, this.#topic).add(value)
        break
      case 'acknowledged':
        valuesOf(unanswered, this.#topic).delete(value)
        valuesOf(acknowledged, this.#topic).add(value)
        break
      case 'commits': {
        const before = commits.get(this.#topic)?.acknowledged ?? -1
        commits.set(this.#topic, { acknowledged: before, attempted: Number(value) })
        break
      }
      case 'committed':
        this.commits++
        commits.set(this.#topic, { acknowledged: Number(value), attempted: Number(value) })
        break
      case 'creates':
      case 'deletes':
        topics.set(value, 'unknown')
        break
      case 'created':
      case 'deleted':
        topics.set(value, what)
        break
      default:
        if (line !== 'left 0') this.failures.push(line.slice(0, 200))
    }
  }
}
