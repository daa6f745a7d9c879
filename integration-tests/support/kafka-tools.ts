import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { repositoryRoot } from './repository.ts'
import { outputOf, type ProgramResult, runProgram, succeeds } from './run-program.ts'

const script = join(repositoryRoot, 'integration-tests', 'oracle', 'kafka.sh')
/** A Java tool takes seconds to start on a busy machine. */
export const TOOL_TIMEOUT_MS = 120_000

/** Why Apache Kafka's own tools cannot run here. */
export function missingKafkaTools(): string | undefined {
  if (!succeeds('java', ['-version'])) return 'no java'
  return succeeds('bash', [script, 'is-ready'])
    ? undefined
    : 'Apache Kafka is not fetched (integration-tests/oracle/kafka.sh fetch)'
}

/** Runs a tool by the name of its script (`kafka-topics`); it has to succeed. Returns its standard output. */
export function kafkaTool(tool: string, args: readonly string[], stdin?: string): Promise<string> {
  return outputOf('bash', [script, tool, ...args], {
    timeoutMs: TOOL_TIMEOUT_MS,
    ...(stdin === undefined ? {} : { stdin }),
  })
}

/** The same for a tool that may fail. */
export function tryKafkaTool(tool: string, args: readonly string[]): Promise<ProgramResult> {
  return runProgram('bash', [script, tool, ...args], { timeoutMs: TOOL_TIMEOUT_MS })
}

/** A tool that runs until it is stopped. */
export class RunningKafkaTool {
  readonly #child: ChildProcess
  #stdout = ''
  #stderr = ''

  constructor(tool: string, args: readonly string[]) {
    this.#child = spawn('bash', [script, tool, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
    })
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
  }

  /** Resolves with its output once it has written so many lines; rejects when it ends before. */
  async lines(count: number): Promise<string[]> {
    for (;;) {
      const lines = this.#stdout.split('\n').slice(0, -1)
      if (lines.length >= count) return lines
      const { exitCode } = this.#child
      if (exitCode !== null)
        throw new Error(`ended with ${exitCode} after ${lines.length} lines: ${this.#stderr}`)
      await Promise.race([once(this.#child.stdout!, 'data'), once(this.#child, 'close')])
    }
  }

  /** Ends it as Ctrl-C does: a consumer leaves its group. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGINT')
    await closed
  }
}
