import { run } from '../../src/cli/run.ts'
import { FakeHost } from '../../src/cli/test-support/fake-host.ts'

/** `odradek trace` in this process. */
export class RunningTrace {
  readonly #host: TracingHost
  readonly #ended: Promise<number>

  private constructor(host: TracingHost, ended: Promise<number>) {
    this.#host = host
    this.#ended = ended
  }

  /** Resolves when it is attached to the broker at `address`. */
  static async start(address: string, args: readonly string[] = []): Promise<RunningTrace> {
    const host = new TracingHost(['trace', '--bootstrap', address, ...args])
    const ended = run(host)
    const code = await Promise.race([host.attached, ended])
    if (code !== undefined) throw new Error(`odradek trace ended with ${code}: ${host.stderr}`)
    return new RunningTrace(host, ended)
  }

  get stdout(): string {
    return this.#host.stdout
  }

  printed(text: string): Promise<void> {
    return this.#host.printed(text)
  }

  /** Ctrl-C; resolves with its exit code. */
  stop(): Promise<number> {
    this.#host.signal()
    return this.#ended
  }
}

class TracingHost extends FakeHost {
  #attached: () => void = () => {}
  readonly attached = new Promise<undefined>((resolve) => {
    this.#attached = () => resolve(undefined)
  })

  override error(text: string): void {
    super.error(text)
    if (text.startsWith('Tracing ')) this.#attached()
  }
}
