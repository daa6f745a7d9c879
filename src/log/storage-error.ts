import type { Logger } from '../platform/logger.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'

/** Is that what the operating system says of a file (ENOSPC, EIO, EMFILE, ...), and no fault of ours? */
export function isFileError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error
}

/** Logs that something could not be done with a log's files, and gives the error that clients know for it. */
export function storageError(logger: Logger, directory: string, what: string, error: unknown): ApiError {
  logger.error({ directory, err: error }, `cannot ${what}`)
  return new ApiError(ErrorCode.KAFKA_STORAGE_ERROR, `cannot ${what}: ${(error as Error).message}`)
}
