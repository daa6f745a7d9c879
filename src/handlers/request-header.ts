/** What stands before every request. */
export interface RequestHeader {
  readonly clientId: string | null
  /** Where the body begins. */
  readonly bodyAt: number
}

/** API key, version and correlation id: their place is the same in every version of the header. */
export const FIXED_HEADER_BYTES = 8

/**
 * Reads the rest of a request header; undefined when the bytes are none. Version 1 adds the client id (never compact, not even in
 * version 2; any negative length is null, as in Kafka), version 2 tagged fields (KIP-482), which are skipped.
 */
export function readRequestHeader(frame: Buffer, headerVersion: 0 | 1 | 2): RequestHeader | undefined {
  if (headerVersion === 0) return { clientId: null, bodyAt: FIXED_HEADER_BYTES }
  let at = FIXED_HEADER_BYTES + 2
  if (frame.length < at) return undefined
  const length = frame.readInt16BE(FIXED_HEADER_BYTES)
  if (at + length > frame.length) return undefined
  const clientId = length < 0 ? null : frame.toString('utf8', at, at + length)
  if (length > 0) at += length
  if (headerVersion === 1) return { clientId, bodyAt: at }
  const bodyAt = skipTaggedFields(frame, at)
  return bodyAt === undefined ? undefined : { clientId, bodyAt }
}

function skipTaggedFields(frame: Buffer, start: number): number | undefined {
  const count = readVarint(frame, start)
  if (count === undefined) return undefined
  let at = count.end
  for (let i = 0; i < count.value; i++) {
    const tag = readVarint(frame, at)
    const size = tag && readVarint(frame, tag.end)
    if (size === undefined) return undefined
    at = size.end + size.value
    if (at > frame.length) return undefined
  }
  return at
}

function readVarint(frame: Buffer, start: number): { value: number; end: number } | undefined {
  let value = 0
  for (let i = 0; i < 5; i++) {
    const byte = frame[start + i]
    if (byte === undefined) return undefined
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return value > 0xffffffff ? undefined : { value, end: start + i + 1 }
  }
  return undefined
}
