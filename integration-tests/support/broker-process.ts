import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { repositoryRoot } from './repository.ts'

/** The line that a script can read, on standard output when no person looks at it. */
const READY = /^Odradek ready in (?<ms>\d+) ms kafka=(?<address>\S+) data=(?<data>.+)$/m
const START_TIMEOUT_MS = 20_000

export interface BrokerProcessOptions {
  /** Folder of the logs; in memory without one. */
  readonly data?: string
  /** Default: a free one. */
  readonly port?: number
  /** `name=value`. */
  readonly properties?: readonly string[]
  /**
   * What starts it; default the built one of this repository. A command may start more processes in between (npx does), which pass no
   * signals on: it is given a process group, and signals go to all of it, as those of a terminal do.
   */
  readonly command?: readonly string[]
  readonly cwd?: string
}

/** `odradek` in a process of its own, started and stopped as a person or a script would. */
export class BrokerProcess {
  readonly bootstrapServers: string
  /** What it said about the place of its logs. */
  readonly data: string
  readonly #child: ChildProcess
  readonly #isGroup: boolean
  readonly #output: { stderr: string }

  private constructor(
    child: ChildProcess,
    isGroup: boolean,
    output: { stderr: string },
    bootstrapServers: string,
    data: string,
  ) {
    this.#child = child
    this.#isGroup = isGroup
    this.#output = output
    this.bootstrapServers = bootstrapServers
    this.data = data
  }

  /** Resolves when it said that it is ready; rejects with what it printed when it ends or stays silent. */
  static async start({
    data,
    port = 0,
    properties = [],
    command,
    cwd,
  }: BrokerProcessOptions = {}): Promise<BrokerProcess> {
    const [program, ...args] = command ?? [process.execPath, join(repositoryRoot, 'dist', 'main.js')]
    args.push('--port', String(port), ...(data === undefined ? ['--memory'] : ['--data', data]))
    for (const property of properties) args.push('--override', property)
    const child = spawn(program!, args, {
      cwd,
      detached: command !== undefined,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    // A suite that fails halfway leaves no broker behind.
    const endWithThisProcess = () => child.kill('SIGKILL')
    process.on('exit', endWithThisProcess)
    child.on('exit', () => process.off('exit', endWithThisProcess))
    const output = { stdout: '', stderr: '' }
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text
    })
    const ready = await new Promise<RegExpExecArray>((resolve, reject) => {
      const fail = (reason: string) => {
        child.kill('SIGKILL')
        reject(new Error(`${[program, ...args].join(' ')}: ${reason}\n${output.stdout}\n${output.stderr}`))
      }
      const timer = setTimeout(() => fail(`not ready in ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS)
      child.on('error', (error) => fail(error.message))
      child.on('exit', (code, signal) => {
        clearTimeout(timer)
        fail(`ended with ${code ?? signal} before it was ready`)
      })
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output.stdout += text
        const found = READY.exec(output.stdout)
        if (!found) return
        clearTimeout(timer)
        resolve(found)
      })
    })
    const { address, data: place } = ready.groups as { address: string; data: string }
    return new BrokerProcess(child, command !== undefined, output, address, place)
  }

  /** Everything that it logged: warnings and errors. */
  get log(): string {
    return this.#output.stderr
  }

  /** SIGTERM; resolves when all that it started has ended, with its exit code, or -1 when a signal ended it. */
  stop(): Promise<number> {
    return this.#end('SIGTERM')
  }

  /** SIGKILL: the broker gets no chance to write anything more. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async #end(signal: NodeJS.Signals): Promise<number> {
    const { exitCode, signalCode } = this.#child
    if (exitCode !== null || signalCode !== null) return exitCode ?? -1
    const closed = once(this.#child, 'close')
    if (this.#isGroup) process.kill(-this.#child.pid!, signal)
    else this.#child.kill(signal)
    const [code] = (await closed) as [number | null]
    return code ?? -1
  }
}
