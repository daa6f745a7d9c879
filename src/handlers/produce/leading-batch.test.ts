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
    ['magic 1 in an old request', batch({ magic: 1 }), 2, ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT],
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

test('isTransactionalBatch looks at the attributes of format 2 only', () => {
  expect(isTransactionalBatch(batch({ attributes: 0x10 }))).toBe(true)
  expect(isTransactionalBatch(batch({ attributes: 0x2f }))).toBe(false)
  expect(isTransactionalBatch(batch({ attributes: 0x10, magic: 1 }))).toBe(false)
  expect(isTransactionalBatch(null)).toBe(false)
  expect(isTransactionalBatch(Buffer.alloc(10))).toBe(false)
})
