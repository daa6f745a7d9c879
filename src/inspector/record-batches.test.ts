import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../protocol/crc32.ts'
import { crc32c } from '../protocol/crc32c.ts'
import { contextOf } from './context.ts'
import { type InspectedNode, regionOf, sentence, walk } from './node.ts'
import { draft } from './node-builder.ts'
import { inspectRecords, type RecordsOptions } from './record-batches.ts'
import { renderTree } from './render-text.ts'
import { catalog } from './test-support/catalog.ts'

function inspect(bytes: Buffer, options: RecordsOptions = {}, limit?: number) {
  const region = regionOf(bytes)
  const root = draft(region, 0, 'array', 'batches', 'batches', '[]RecordBatch')
  root.length = bytes.length
  const { problem, end } = inspectRecords(region, 0, bytes.length, root, contextOf(catalog, limit), options)
  return { root, problem, end }
}

const find = (root: InspectedNode, path: string) => [...walk(root)].find((node) => node.path === path)

/** A batch of magic 2 around records that are compressed already. */
function batch(records: Buffer, count: number, attributes = 0): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(61), records])
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes[16] = 2
  bytes.writeInt16BE(attributes, 21)
  bytes.writeInt32BE(count - 1, 23)
  bytes.writeBigInt64BE(1_700_000_000_000n, 27)
  bytes.fill(0xff, 43, 57)
  bytes.writeInt32BE(count, 57)
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  return bytes
}

/** A record with key and value in hex, shorter than 32 bytes each. */
function record(key: string | null, value: string | null): Buffer {
  const part = (hex: string | null) => (hex === null ? '01' : hex.length.toString(16).padStart(2, '0') + hex)
  const content = `000000${part(key)}${part(value)}00`
  return Buffer.from(content.length.toString(16).padStart(2, '0') + content, 'hex')
}

/** A message of magic 1. */
function message(offset: bigint, attributes: number, value: Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(34), value])
  bytes.writeBigInt64BE(offset)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes[16] = 1
  bytes[17] = attributes
  bytes.writeInt32BE(-1, 26)
  bytes.writeInt32BE(value.length, 30)
  bytes.writeUInt32BE(crc32(bytes.subarray(16)), 12)
  return bytes
}

test('offsets, times and attributes are told beside what they are made of', () => {
  const { root, problem } = inspect(batch(record('6b', '76'), 1, 0x10))
  expect(problem).toBeUndefined()
  expect(find(root, 'batches[0].attributes')!.note).toBe('not compressed, CreateTime, transactional')
  expect(find(root, 'batches[0].baseTimestamp')!.note).toBe('2023-11-14T22:13:20.000Z')
  expect(find(root, 'batches[0].records[0].offsetDelta')!.note).toBe('offset 0')
})

describe('compressed records', () => {
  const block = gzipSync(Buffer.concat([record('6b', '76'), record(null, null)]))
  const bytes = batch(block, 2, 1)

  test('have their places in the block, and the block has its own in the batch', () => {
    const { root } = inspect(bytes)
    const key = find(root, 'batches[0].records[0].key')!
    expect(key).toMatchObject({ position: 4, length: 2 })
    expect(key.region.block).toMatchObject({ codec: 'gzip', position: 61, length: block.length })
    expect(renderTree(root, undefined, { color: false, width: 100 })).toContain('\n   ~4  02 6b ')
  })

  test('that another codec made', () => {
    const { problem, end } = inspect(batch(block, 2, 2))
    expect([problem!.kind, problem!.position, end]).toEqual(['content', 61, bytes.length])
    expect(sentence(problem!)).toContain('expected what snappy makes')
  })
})

test('a wrapper of magic 1 and the messages in it', () => {
  const inner = Buffer.concat([message(0n, 0, Buffer.from('a')), message(1n, 0, Buffer.from('b'))])
  const { root, problem } = inspect(message(9n, 1, gzipSync(inner)))
  expect(problem).toBeUndefined()
  const values = [0, 1].map((index) => find(root, `batches[0].value.messages[${index}].value`)!.value)
  expect(values).toEqual([Buffer.from('a'), Buffer.from('b')])
})

describe('records of which Kafka knows what they hold', () => {
  test('a committed offset', () => {
    const key = '0001 0002 6731 0001 61 00000003'.replaceAll(' ', '')
    const value = '0003 000000000000002a 00000001 0000 0000000000000007'.replaceAll(' ', '')
    const { root, problem } = inspect(batch(record(key, value), 1), { topic: '__consumer_offsets' })
    expect(problem).toBeUndefined()
    const [inKey, inValue] = ['key', 'value'].map((part) => find(root, `batches[0].records[0].${part}`)!)
    expect(inKey!.children.map(({ name }) => name)).toEqual(['prefix', 'OffsetCommitKey'])
    expect(inValue!.children[1]!.children.map(({ value }) => value)).toEqual([42n, 1, '', 7n])
  })

  test('a control record', () => {
    const { root } = inspect(batch(record('00000001', '000000000005'), 1, 0x30))
    expect(find(root, 'batches[0].records[0].value.EndTxnMarker.coordinatorEpoch')!.value).toBe(5)
  })

  test('of a version that is not known', () => {
    const key = '0001 0002 6731 0001 61 00000003'.replaceAll(' ', '')
    const { root, problem } = inspect(batch(record(key, '0063beef'), 1), { topic: '__consumer_offsets' })
    expect(problem).toBeUndefined()
    expect(find(root, 'batches[0].records[0].value.rest')!.value).toEqual(Buffer.from('beef', 'hex'))
  })
})

describe('where batches end', () => {
  const two = Buffer.concat([batch(record('6b', '76'), 1), batch(record('6b', '76'), 1)])

  test('a batch that is cut off is wrong, but not at the end of a Fetch response', () => {
    const cut = two.subarray(0, -3)
    expect(inspect(cut).problem).toMatchObject({ kind: 'length', path: 'batches[1].batchLength' })
    expect(inspect(cut, { mayBeCut: true }).problem).toBeUndefined()
    expect(inspect(two.subarray(0, 80), { mayBeCut: true }).root.children[1]!.note).toBe(
      'a batch that is cut off',
    )
  })

  test('zeros are room that is not used yet', () => {
    const { root, problem } = inspect(Buffer.concat([two, Buffer.alloc(200)]))
    expect([problem, root.children.length, root.children[2]!.name]).toEqual([undefined, 3, 'reserved'])
  })

  test('what lies between batches and is none', () => {
    const { problem } = inspect(Buffer.concat([two, Buffer.alloc(30, 7)]))
    expect(problem).toMatchObject({ kind: 'content', position: two.length + 16, path: 'batches[2].magic' })
  })

  test('beyond the limit batches are checked and not kept', () => {
    const wrong = Buffer.from(two)
    wrong[wrong.length - 2]! ^= 1
    const { root, problem } = inspect(wrong, {}, 1)
    expect([root.children.length, root.omitted, problem!.path]).toEqual([1, 1, 'batches[1].crc'])
  })
})
