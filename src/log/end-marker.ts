import { RECORD_BATCH_OVERHEAD, recordCount } from '../protocol/record-batch.ts'
import type { EndMarker } from './producer-states.ts'

const ABORT = 0
const COMMIT = 1

/**
 * What the only record of a control batch says: its key is version int16 and type int16, its value version int16 and coordinator epoch
 * int32. Undefined when it ends no transaction (KRaft has control records of its own), is cut off, or was emptied by compaction.
 */
export function endMarkerOf(bytes: Buffer, at: number): EndMarker | undefined {
  if (recordCount(bytes, at) === 0) return undefined
  let position = afterVarint(bytes, at + RECORD_BATCH_OVERHEAD) + 1
  // Timestamp delta, offset delta, length of the key.
  for (let field = 0; field < 3; field++) position = afterVarint(bytes, position)
  const value = afterVarint(bytes, position + 4)
  if (value + 6 > bytes.length) return undefined
  const type = bytes.readInt16BE(position + 2)
  if (type !== ABORT && type !== COMMIT) return undefined
  return { isAbort: type === ABORT, coordinatorEpoch: bytes.readInt32BE(value + 2) }
}

function afterVarint(bytes: Buffer, at: number): number {
  let position = at
  while (position < bytes.length && bytes[position]! >= 0x80) position++
  return position + 1
}
