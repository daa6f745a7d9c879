import type { Allocate } from '../../protocol/compression/memory.ts'
import { readRecords, recordBytesInSteps } from '../../protocol/record.ts'
import { baseOffset, magicOf } from '../../protocol/record-batch.ts'
import { RecordCursor } from '../../protocol/record-cursor.ts'
import type { Steps } from '../../protocol/steps.ts'
import { RECORDS_PER_STEP } from './cleaner-pace.ts'
import type { OffsetMap } from './offset-map.ts'

/**
 * Notes the keys of one whole batch with their offsets, from an offset on. False: the map is full. `allocate` gives the memory to decompress
 * into. Throws as `readRecords` does.
 */
export function* learnBatch(
  batch: Buffer,
  map: OffsetMap,
  from: number,
  allocate?: Allocate,
): Steps<boolean> {
  if (magicOf(batch, 0) < 2) return yield* learnMessage(batch, map, from)
  const cursor = new RecordCursor(batch, yield* recordBytesInSteps(batch, allocate))
  const first = Number(baseOffset(batch, 0))
  for (let seen = 1; cursor.next(); seen++) {
    const { bytes, keyAt, keyLength } = cursor
    const offset = first + cursor.offsetDelta
    if (keyLength >= 0 && offset >= from) {
      if (map.isFull) return false
      map.put(bytes, keyAt, keyLength, offset)
    }
    if (seen % RECORDS_PER_STEP === 0) yield
  }
  return true
}

/** The same for formats 0 and 1. */
function* learnMessage(message: Buffer, map: OffsetMap, from: number): Steps<boolean> {
  let seen = 0
  for (const { key, offset } of readRecords(message)) {
    if (key !== null && offset >= from) {
      if (map.isFull) return false
      map.put(key, 0, key.length, Number(offset))
    }
    if (++seen % RECORDS_PER_STEP === 0) yield
  }
  return true
}
