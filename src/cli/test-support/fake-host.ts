import type { Host } from '../host.ts'

/** A process that is none: what a command prints is kept, and signals come from the test. */
export class FakeHost implements Host {
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly workingDirectory: string
  readonly stdin: AsyncIterable<Buffer>
  readonly isTerminal: boolean
  readonly isErrorTerminal = false
  readonly columns: number | undefined
  stdout = ''
  stderr = ''
  exitCode: number | undefined
  readonly #signalListeners: ((count: number) => void)[] = []
  readonly #outputWaiters: { text: string; resolve: () => void }[] = []
  #signals = 0

  constructor(
    args: readonly string[],
    options: {
      environment?: Readonly<Record<string, string>>
      workingDirectory?: string
      stdin?: string
      isTerminal?: boolean
      columns?: number
    } = {},
  ) {
    this.arguments = args
    this.environment = options.environment ?? {}
    this.workingDirectory = options.workingDirectory ?? '/nowhere'
    this.isTerminal = options.isTerminal ?? false
    this.columns = options.columns
    const bytes = Buffer.from(options.stdin ?? '')
    this.stdin = (async function* () {
      if (bytes.length > 0) yield bytes
    })()
  }

  upMs(): number {
    return 38.4
  }

  out(text: string): void {
    this.stdout += text
    for (const waiter of this.#outputWaiters) if (this.stdout.includes(waiter.text)) waiter.resolve()
  }

  drained(): Promise<void> {
    return Promise.resolve()
  }

  error(text: string): void {
    this.stderr += text
  }

  onOutputClosed(): void {}

  onSignal(listener: (count: number) => void): void {
    this.#signalListeners.push(listener)
  }

  exit(code: number): void {
    this.exitCode = code
  }

  /** Ctrl-C. */
  signal(): void {
    this.#signals++
    for (const listener of this.#signalListeners) listener(this.#signals)
  }

  /** Resolves when `text` has been printed. */
  printed(text: string): Promise<void> {
    if (this.stdout.includes(text)) return Promise.resolve()
    return new Promise((resolve) => void this.#outputWaiters.push({ text, resolve }))
  }

  /** What was printed as lines of JSON. */
  get json(): unknown[] {
    return this.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown)
  }
}
