import { ErrorCode as codes, retriableErrorCodes } from './generated/error-codes.ts'

/** Kafka's error codes by name: `ErrorCode.NOT_LEADER_OR_FOLLOWER`. */
export const ErrorCode = codes

/** One of Kafka's error codes. */
export type ErrorCode = (typeof codes)[keyof typeof codes]

const names: ReadonlyMap<number, string> = new Map(Object.entries(codes).map(([name, code]) => [code, name]))

/** Kafka's name of a code; one that no release of Kafka has given out is shown as its number. */
export function errorName(code: number): string {
  return names.get(code) ?? `ERROR_${code}`
}

/** Whether the same request may succeed when it is sent again. */
export function isRetriable(code: number): boolean {
  return retriableErrorCodes.has(code)
}

/** Ends an operation with an error that the client is told; one place of each API turns it into a response. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string = errorName(code)) {
    super(message)
    this.code = code
  }

  /** What there is to say beside the code; null when that is nothing. */
  get explanation(): string | null {
    return this.message === errorName(this.code) ? null : this.message
  }
}
