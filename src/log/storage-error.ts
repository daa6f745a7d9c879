/** Is that what the operating system says of a file (ENOSPC, EIO, EMFILE, ...), and no fault of ours? */
export function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}

/** Could bytes that were written not be brought to the device? */
export function isFlushError(error: unknown): error is NodeJS.ErrnoException {
  return isFileError(error) && (error.syscall === 'fdatasync' || error.syscall === 'fsync')
}
