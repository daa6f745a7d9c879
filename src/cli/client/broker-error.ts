import { ErrorCode, errorName, isRetriable } from '../../protocol/error-code.ts'
import { CommandError, EXIT_FAILURE, EXIT_NOT_FOUND, EXIT_TIMEOUT } from '../host.ts'

const NOT_FOUND: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.GROUP_ID_NOT_FOUND,
])

/** A broker's answer is an error; shown with Kafka's name and number of it. */
export class BrokerError extends CommandError {
  readonly code: number

  /** `what` it is about: `topic orders`. `reason`: the broker's words, or ours, if there are any. */
  constructor(code: number, what: string, reason: string | null = null) {
    super(`${what}: ${errorName(code)} (${code})${reason ? `: ${reason}` : ''}`, exitCodeOf(code))
    this.code = code
  }

  /** Whether the same request may succeed in a moment. */
  get isRetriable(): boolean {
    return isRetriable(this.code)
  }
}

/** Throws unless the code is NONE. */
export function check(code: number, what: string, reason?: string | null): void {
  if (code !== ErrorCode.NONE) throw new BrokerError(code, what, reason)
}

function exitCodeOf(code: number): number {
  if (NOT_FOUND.has(code)) return EXIT_NOT_FOUND
  return code === ErrorCode.REQUEST_TIMED_OUT ? EXIT_TIMEOUT : EXIT_FAILURE
}
