/** The process as a command sees it. `main.ts` makes the real one; tests hand in their own. */
export interface Host {
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
  readonly stdin: AsyncIterable<Buffer>
  /** True when a person looks at standard output. */
  readonly isTerminal: boolean
  /** True when a person looks at standard error. */
  readonly isErrorTerminal: boolean
  /** Width of the terminal behind standard output, in characters; undefined: there is none. */
  readonly columns: number | undefined
  /** Milliseconds since the process began. */
  upMs(): number
  out(text: string): void
  /** Resolves when the reader of standard output has room for more. */
  drained(): Promise<void>
  error(text: string): void
  /** Called when nobody reads standard output any more, as `| head` does. */
  onOutputClosed(listener: () => void): void
  /** Called at SIGINT, SIGTERM and the end of the terminal, with the count of such signals so far. */
  onSignal(listener: (count: number) => void): void
  /** Ends the process at once. */
  exit(code: number): void
}

/** Exit codes of every command. */
export const EXIT_OK = 0
export const EXIT_FAILURE = 1
export const EXIT_USAGE = 2
export const EXIT_NOT_FOUND = 3
export const EXIT_TIMEOUT = 4
/** Ended by Ctrl-C, as shells count it. */
export const EXIT_INTERRUPTED = 130

/** Ends a command with one clear line and an exit code. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError'
  readonly exitCode: number

  constructor(message: string, exitCode: number = EXIT_FAILURE) {
    super(message)
    this.exitCode = exitCode
  }
}
