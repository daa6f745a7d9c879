import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../../protocol/error-code.ts'
import { isTransactionalBatch, leadingBatch } from './leading-batch.ts'

/** As much of a batch as is looked at here. */
function batch({ magic = 2, attributes = 0, claimed = 70 } = {}) {
  const bytes = Buffer.alloc(70)
  bytes.writeInt32BE(claimed - 12, 8)
  bytes[16] = magic
  bytes.writeInt16BE(attributes, 21)
  return bytes
}

describe('leadingBatch', () => {
  test('one batch passes as it is', () => {
    const bytes = batch()
    expect(leadingBatch(bytes, 3)).toBe(bytes)
  })

  test.each<[string, Buffer | null, number, number]>([
    ['null', null, 9, ErrorCode.INVALID_RECORD],
    ['no bytes', Buffer.alloc(0), 9, ErrorCode.INVALID_RECORD],
    ['a batch that is cut off', batch({ claimed: 73 }), 9, ErrorCode.INVALID_RECORD],
    ['a batch cut off in its header', Buffer.concat([batch()]).subarray(0, 16), 9, ErrorCode.INVALID_RECORD],
    ['two batches', Buffer.concat([batch(), batch()]), 9, ErrorCode.INVALID_RECORD],
    ['magic 0', batch({ magic: 0 }), 9, ErrorCode.INVALID_RECORD],
    ['magic 1', batch({ magic: 1 }), 3, ErrorCode.INVALID_RECORD],
    [
      'a length that no message has, behind a good one',
      Buffer.concat([batch({ magic: 1 }), batch({ claimed: 20 })]),
      2,
      ErrorCode.CORRUPT_MESSAGE,
    ],
    ['null in an old request', null, 2, ErrorCode.INVALID_RECORD],
    ['magic 3', batch({ magic: 3 }), 9, ErrorCode.CORRUPT_MESSAGE],
    ['a length that no batch has', batch({ claimed: 20 }), 9, ErrorCode.CORRUPT_MESSAGE],
    ['a negative length', batch({ claimed: -5 }), 9, ErrorCode.CORRUPT_MESSAGE],
    [
      'an impossible second batch',
      Buffer.concat([batch(), batch({ claimed: 20 })]),
      9,
      ErrorCode.CORRUPT_MESSAGE,
    ],
    ['zstd before version 7', batch({ attributes: 4 }), 6, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE],
  ])('%s is refused', (_, records, version, errorCode) => {
    expect(leadingBatch(records, version)).toBe(errorCode)
  })

  test('zstd passes from version 7 on', () => {
    const bytes = batch({ attributes: 4 })
    expect(leadingBatch(bytes, 7)).toBe(bytes)
  })

  test('a rest that is no whole batch is dropped', () => {
    const bytes = batch()
    expect(leadingBatch(Buffer.concat([bytes, Buffer.alloc(11)]), 9)).toEqual(bytes)
    expect(leadingBatch(Buffer.concat([bytes, batch().subarray(0, 40)]), 9)).toEqual(bytes)
  })
})

describe('before version 3', () => {
  const [old, other] = [batch({ magic: 0 }), batch({ magic: 1 })]

  test('any messages pass as they are', () => {
    for (const sent of [old, other, batch(), Buffer.concat([old, old, other]), Buffer.alloc(0)])
      expect(leadingBatch(sent, 2)).toBe(sent)
  })

  test('what is cut off at the end is dropped, even all of it', () => {
    expect(leadingBatch(Buffer.concat([old, old, other.subarray(0, 40)]), 0)).toEqual(
      Buffer.concat([old, old]),
    )
    expect(leadingBatch(other.subarray(0, 69), 2)).toEqual(Buffer.alloc(0))
    expect(leadingBatch(other.subarray(0, 11), 2)).toEqual(Buffer.alloc(0))
  })
})

test('isTransactionalBatch looks at the attributes of format 2 only', () => {
  expect(isTransactionalBatch(batch({ attributes: 0x10 }))).toBe(true)
  expect(isTransactionalBatch(batch({ attributes: 0x2f }))).toBe(false)
  expect(isTransactionalBatch(batch({ attributes: 0x10, magic: 1 }))).toBe(false)
  expect(isTransactionalBatch(null)).toBe(false)
  expect(isTransactionalBatch(Buffer.alloc(10))).toBe(false)
})
