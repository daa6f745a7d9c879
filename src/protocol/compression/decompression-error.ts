/** What a batch holds cannot be decompressed: the bytes are not what its codec writes, or they would become too many. */
export class DecompressionError extends Error {
  override readonly name = 'DecompressionError'
  readonly isTooLarge: boolean

  constructor(message: string, isTooLarge = false) {
    super(message)
    this.isTooLarge = isTooLarge
  }
}

export function tooLarge(maxBytes: number): DecompressionError {
  return new DecompressionError(`more than ${maxBytes} bytes come out of it`, true)
}
