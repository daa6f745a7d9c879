import { ApiError, ErrorCode } from '../protocol/error-code.ts'

/** A log whose files are not what they have to be. It is neither served nor changed; the message says what is wrong, and where. */
export class DamagedLogError extends ApiError {
  constructor(message: string) {
    super(ErrorCode.KAFKA_STORAGE_ERROR, message)
  }
}

/** Is that what the operating system says of a file (ENOSPC, EIO, EMFILE, ...), and no fault of ours? */
export function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}

/** Waits for all; of what failed that counts most which says that bytes are lost. */
export async function allFlushed(flushes: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(flushes)
  const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  if (errors.length > 0) throw errors.find(isFlushError) ?? errors[0]
}

/** Could bytes that were written not be brought to the device? */
export function isFlushError(error: unknown): error is NodeJS.ErrnoException {
  return isFileError(error) && (error.syscall === 'fdatasync' || error.syscall === 'fsync')
}
