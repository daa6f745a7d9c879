import { describe, expect, test } from 'vitest'
import { buildMessageSet } from '../protocol/legacy-builder.ts'
import {
  batch,
  fieldsOf,
  filesOf,
  itemsOf,
  LOG,
  problemsOf,
  record,
  START_TIME,
} from './test-support/sample-log.ts'

describe('batches', () => {
  test('all fields of a header, and the sum', async () => {
    const bytes = batch(7n, ['a', 'b'], {
      producerId: 9n,
      producerEpoch: 2,
      baseSequence: 2 ** 31 - 1,
      isTransactional: true,
    })
    const items = await itemsOf(filesOf({ [LOG]: bytes }), LOG)
    expect(fieldsOf(items, 'batch')).toEqual([
      expect.objectContaining({
        baseOffset: 7n,
        lastOffset: 8n,
        count: 2,
        baseSequence: 2 ** 31 - 1,
        // Behind the largest number sequences begin again.
        lastSequence: 0,
        producerId: 9n,
        producerEpoch: 2,
        isTransactional: true,
        isControl: false,
        deleteHorizonMs: null,
        position: 0,
        maxTimestamp: START_TIME,
        size: bytes.length,
        magic: 2,
        compresscodec: 'none',
        isvalid: true,
      }),
    ])
    expect(fieldsOf(items, 'end')).toMatchObject([
      { batches: 1, records: 2, firstOffset: 7n, lastOffset: 8n, validBytes: bytes.length },
    ])
    expect(problemsOf(items)).toEqual([])
  })

  test('how far a codec got', async () => {
    const bytes = batch(0n, ['x'.repeat(5000)], { compression: 'gzip' })
    const [fields] = fieldsOf(await itemsOf(filesOf({ [LOG]: bytes }), LOG), 'batch')
    expect(fields).toMatchObject({ compresscodec: 'gzip' })
    expect(Number(fields!.uncompressedBytes)).toBeGreaterThan(5000)
    expect(Number(fields!.compressionRatio)).toBeCloseTo(
      Number(fields!.uncompressedBytes) / (bytes.length - 61),
      1,
    )
  })

  test('a changed byte is a problem of its batch only', async () => {
    const [first, second] = [batch(0n, ['a']), batch(1n, ['b'])]
    first[first.length - 1]! ^= 1
    const items = await itemsOf(filesOf({ [LOG]: Buffer.concat([first, second]) }), LOG)
    expect(fieldsOf(items, 'batch').map(({ isvalid }) => isvalid)).toEqual([false, true])
    expect(fieldsOf(items, 'problem')).toEqual([
      { message: 'the checksum of the batch does not fit its bytes', position: 0 },
    ])
  })

  test('offsets that go back, or are below the name of the file', async () => {
    const log = '/data/orders-0/00000000000000000005.log'
    const items = await itemsOf(filesOf({ [log]: Buffer.concat([batch(4n, ['a']), batch(4n, ['b'])]) }), log)
    expect(problemsOf(items)).toEqual([
      'offset 4 is below 5, with which the file begins by its name',
      'offsets go back: 4 comes behind 4',
    ])
  })

  test('a file that is cut anywhere: what is whole is shown, and where it ends is told', async () => {
    const whole = batch(0n, ['a'])
    const bytes = Buffer.concat([whole, batch(1n, ['b'])])
    for (let length = 0; length < bytes.length; length++) {
      const items = await itemsOf(filesOf({ [LOG]: bytes.subarray(0, length) }), LOG, {
        records: true,
        data: true,
      })
      const isCut = length !== 0 && length !== whole.length
      expect(fieldsOf(items, 'record').length).toBe(length < whole.length ? 0 : 1)
      expect(problemsOf(items).length).toBe(isCut ? 1 : 0)
      if (isCut) expect(problemsOf(items)[0]).toMatch(/is cut off/)
    }
  })

  test('garbage, and a length that cannot be', async () => {
    const garbage = await itemsOf(filesOf({ [LOG]: Buffer.alloc(1000, 0x55) }), LOG)
    expect(problemsOf(garbage)).toEqual([expect.stringMatching(/its magic is 85, none of 0, 1 and 2/)])
    const short = batch(0n, ['a'])
    short.writeInt32BE(1, 8)
    expect(problemsOf(await itemsOf(filesOf({ [LOG]: short }), LOG))).toEqual([
      expect.stringMatching(/at least 61 bytes, this one says that it has 13/),
    ])
  })

  test('zeros at the end are room that was allocated beforehand', async () => {
    const items = await itemsOf(filesOf({ [LOG]: Buffer.concat([batch(0n, ['a']), Buffer.alloc(500)]) }), LOG)
    expect(problemsOf(items)).toEqual([])
    expect(fieldsOf(items, 'note')).toEqual([
      { message: '500 bytes of zeros follow, which were allocated beforehand' },
    ])
  })

  test('records that are no records', async () => {
    const bytes = batch(0n, ['abc'], { compression: 'gzip' })
    bytes.fill(0, 61)
    const items = await itemsOf(filesOf({ [LOG]: bytes }), LOG)
    expect(problemsOf(items)).toEqual([expect.stringMatching(/^its records cannot be read: /)])
    expect(fieldsOf(items, 'batch')).toHaveLength(1)
  })
})

describe('records', () => {
  test('keys, values, headers and sequence numbers', async () => {
    const headers = [{ key: 'source', value: Buffer.from('shop') }]
    const bytes = batch(3n, [], {
      records: [{ ...record('v', 'k'), headers }, record(null, 'gone')],
      producerId: 1n,
      producerEpoch: 0,
      baseSequence: 5,
    })
    const items = await itemsOf(filesOf({ [LOG]: bytes }), LOG, { records: true, data: true })
    expect(fieldsOf(items, 'record')).toMatchObject([
      {
        offset: 3n,
        timestamp: START_TIME,
        keySize: 1,
        valueSize: 1,
        sequence: 5,
        headerKeys: ['source'],
        headers: [{ source: Buffer.from('shop') }],
        key: Buffer.from('k'),
        payload: Buffer.from('v'),
      },
      { offset: 4n, keySize: 4, valueSize: -1, sequence: 6, payload: null },
    ])
  })

  test('of a range of offsets, and no further than so many bytes', async () => {
    const log = Buffer.concat([batch(0n, ['a', 'b']), batch(2n, ['c', 'd']), batch(4n, ['e'])])
    const files = filesOf({ [LOG]: log })
    const ranged = await itemsOf(files, LOG, { records: true, offsets: { from: 1n, to: 2n } })
    expect(fieldsOf(ranged, 'record').map(({ offset }) => offset)).toEqual([1n, 2n])
    const limited = await itemsOf(files, LOG, { maxBytes: 1 })
    expect(fieldsOf(limited, 'batch')).toHaveLength(1)
  })

  test('what control records say', async () => {
    const commit = Buffer.from([0, 0, 0, 1])
    const bytes = batch(0n, [], {
      records: [record(Buffer.from([0, 0, 0, 0, 0, 3]), commit)],
      isControl: true,
      isTransactional: true,
      producerId: 1n,
      producerEpoch: 0,
    })
    const items = await itemsOf(filesOf({ [LOG]: bytes }), LOG, { records: true })
    expect(fieldsOf(items, 'record')).toMatchObject([{ endTxnMarker: 'COMMIT', coordinatorEpoch: 3 }])
  })

  test('messages of the old formats, and what a wrapper holds', async () => {
    const records = [0n, 1n].map((offset) => ({
      offset,
      timestamp: START_TIME,
      key: null,
      value: Buffer.from(`v${offset}`),
    }))
    for (const magic of [0, 1] as const) {
      const set = Buffer.concat([
        buildMessageSet({ magic, records, compression: 'none' }),
        buildMessageSet({
          magic,
          records: records.map((each) => ({ ...each, offset: each.offset + 2n })),
          compression: 'gzip',
        }),
      ])
      const items = await itemsOf(filesOf({ [LOG]: set }), LOG, { records: true, data: true })
      expect(problemsOf(items)).toEqual([])
      expect(fieldsOf(items, 'batch').map(({ magic, isvalid }) => [magic, isvalid])).toEqual(
        Array.from({ length: 3 }, () => [magic, true]),
      )
      expect(fieldsOf(items, 'record').map(({ offset, payload }) => `${offset} ${payload}`)).toEqual([
        '0 v0',
        '1 v1',
        '2 v0',
        '3 v1',
      ])
    }
  })
})
