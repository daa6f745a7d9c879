/** The batches of a buffer that holds whole ones, one after the other. */
export function* batchesOf(buffer: Buffer): Iterable<Buffer> {
  for (let position = 0; position < buffer.length; ) {
    const end = position + 12 + buffer.readInt32BE(position + 8)
    yield buffer.subarray(position, end)
    position = end
  }
}
