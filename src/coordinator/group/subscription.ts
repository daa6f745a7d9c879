/**
 * Topics of a consumer's subscription blob, read the way Kafka's coordinator does: version, then the topics, which every version
 * begins with. Undefined when the bytes are something else.
 */
export function subscribedTopics(blob: Buffer): readonly string[] | undefined {
  if (blob.length < 6 || blob.readInt16BE(0) < 0) return undefined
  const count = blob.readInt32BE(2)
  // Each topic takes two bytes of length at least.
  if (count < 0 || count > (blob.length - 6) / 2) return undefined
  const topics: string[] = []
  let position = 6
  for (let i = 0; i < count; i++) {
    if (position + 2 > blob.length) return undefined
    const length = blob.readInt16BE(position)
    position += 2
    if (length < 0 || position + length > blob.length) return undefined
    topics.push(blob.toString('utf8', position, position + length))
    position += length
  }
  return topics
}
