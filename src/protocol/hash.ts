/** murmur2 as Kafka's Java client uses it to place keys; a signed 32-bit number. */
export function murmur2(bytes: Buffer): number {
  const factor = 0x5bd1e995
  const whole = bytes.length & ~3
  let hash = 0x9747b28c ^ bytes.length
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(bytes.readInt32LE(at), factor)
    word = Math.imul(word ^ (word >>> 24), factor)
    hash = Math.imul(hash, factor) ^ word
  }
  if (whole < bytes.length) {
    for (let at = bytes.length - 1; at >= whole; at--) hash ^= bytes[at]! << (8 * (at - whole))
    hash = Math.imul(hash, factor)
  }
  hash = Math.imul(hash ^ (hash >>> 13), factor)
  return hash ^ (hash >>> 15)
}

/** The partition that Kafka's clients give a key. */
export function murmur2Partition(key: Buffer, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount
}

/** Java's `String.hashCode`; a signed 32-bit number. */
export function javaHash(text: string): number {
  let hash = 0
  for (let at = 0; at < text.length; at++) hash = (Math.imul(31, hash) + text.charCodeAt(at)) | 0
  return hash
}

/** The partition of an internal topic whose coordinator looks after a group or a transactional id. */
export function coordinatorPartition(id: string, partitionCount: number): number {
  const hash = Math.abs(javaHash(id))
  // -2147483648 has no positive twin in Java, where 0 stands in.
  return hash > 0x7fffffff ? 0 : hash % partitionCount
}
