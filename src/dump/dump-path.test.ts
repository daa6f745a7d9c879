import { describe, expect, test } from 'vitest'
import { encodeProducerSnapshot } from '../log/producer-snapshot.ts'
import type { Files } from '../platform/platform.ts'
import {
  batch,
  FOLDER,
  fieldsOf,
  filesOf,
  itemsOf,
  LOG,
  problemsOf,
  START_TIME,
} from './test-support/sample-log.ts'

const INDEX = `${FOLDER}/00000000000000000000.index`
const TIME_INDEX = `${FOLDER}/00000000000000000000.timeindex`
const first = batch(0n, ['a', 'b'])
const log = Buffer.concat([first, batch(2n, ['c'])])

function offsetEntry(offset: number, position: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeInt32BE(offset)
  bytes.writeInt32BE(position, 4)
  return bytes
}

function timeEntry(timestamp: bigint, offset: number): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeBigInt64BE(timestamp)
  bytes.writeInt32BE(offset, 8)
  return bytes
}

describe('indexes', () => {
  const dumpIndex = (path: string, ...entries: Buffer[]) =>
    itemsOf(filesOf({ [LOG]: log, [path]: Buffer.concat(entries) }), path)

  test('entries that agree with the log', async () => {
    const offsets = await dumpIndex(INDEX, offsetEntry(1, 0), offsetEntry(2, first.length), Buffer.alloc(80))
    expect(problemsOf(offsets)).toEqual([])
    expect(fieldsOf(offsets, 'entry')).toEqual([
      { offset: 1n, position: 0 },
      { offset: 2n, position: first.length },
    ])
    expect(fieldsOf(offsets, 'note')).toHaveLength(1)
    const times = await dumpIndex(TIME_INDEX, timeEntry(START_TIME, 1))
    expect(problemsOf(times)).toEqual([])
  })

  test('entries that do not', async () => {
    expect(problemsOf(await dumpIndex(INDEX, offsetEntry(0, 0)))).toEqual([
      'offset 0 is said to be at 0 of the log, where a batch ends with 1',
    ])
    expect(problemsOf(await dumpIndex(INDEX, offsetEntry(1, 0), offsetEntry(1, 0)))).toEqual([
      'entry 1 at 0 does not lie behind the one before',
    ])
    expect(problemsOf(await dumpIndex(INDEX, offsetEntry(9, 99999)))).toEqual([
      'offset 9 is said to be at 99999, behind the end of the log',
    ])
    expect(problemsOf(await dumpIndex(TIME_INDEX, timeEntry(5n, 1)))).toEqual([
      `offset 1 is said to have 5, but its batch has ${START_TIME}`,
    ])
    expect(problemsOf(await dumpIndex(TIME_INDEX, timeEntry(START_TIME, 7)))).toEqual([
      'offset 7 is not in the log',
    ])
  })

  test('cut off, or garbage: not more than a screen of problems', async () => {
    expect(problemsOf(await dumpIndex(INDEX, Buffer.from([0, 0, 0])))).toEqual([
      '3 of 8 bytes of an entry: the file is cut off',
    ])
    const garbage = problemsOf(await dumpIndex(INDEX, Buffer.alloc(8000, 0x77)))
    expect(garbage.length).toBeLessThan(30)
    expect(garbage.at(-1)).toMatch(/more entries are wrong/)
  })
})

describe('small files', () => {
  const dumpText = (name: string, text: string | Buffer) => {
    const path = `/data/${name}`
    return itemsOf(filesOf({ [path]: text }), path)
  }

  test('are shown entry by entry', async () => {
    expect(fieldsOf(await dumpText('leader-epoch-checkpoint', '0\n1\n3 17\n'), 'entry')).toEqual([
      { epoch: 3, startOffset: 17n },
    ])
    expect(fieldsOf(await dumpText('replication-offset-checkpoint', '0\n1\norders 0 5\n'), 'entry')).toEqual([
      { topic: 'orders', partition: 0, offset: 5n },
    ])
    expect(fieldsOf(await dumpText('meta.properties', '#\nversion=1\ncluster.id=abc\n'), 'entry')).toEqual([
      { version: '1' },
      { 'cluster.id': 'abc' },
    ])
    expect(fieldsOf(await dumpText('quorum-state', '{"leaderId":1}'), 'entry')).toEqual([{ leaderId: 1 }])
  })

  test('the producers of a partition', async () => {
    const producer = {
      producerId: 5n,
      producerEpoch: 1,
      lastSequence: 1,
      lastOffset: 9n,
      offsetDelta: 3,
      timestamp: 7n,
      coordinatorEpoch: -1,
      currentTxnFirstOffset: -1n,
    }
    const bytes = encodeProducerSnapshot([producer])
    const name = '00000000000000000010.snapshot'
    expect(fieldsOf(await dumpText(name, bytes), 'entry')).toMatchObject([
      { producerId: 5n, firstSequence: 2 ** 31 - 2, lastSequence: 1, currentTxnFirstOffset: null },
    ])
    bytes[10]! ^= 1
    expect(problemsOf(await dumpText(name, bytes))).toEqual([
      'the checksum of the producer snapshot is wrong',
    ])
  })

  test('cut off or foreign', async () => {
    expect(problemsOf(await dumpText('leader-epoch-checkpoint', '0\n2\n3 17\n'))).toHaveLength(1)
    expect(problemsOf(await dumpText('quorum-state', '{"leader'))).toEqual([
      expect.stringMatching(/^it is no JSON/),
    ])
    expect(problemsOf(await dumpText('notes.txt', 'hello'))).toEqual([
      'no file of a data directory has such a name',
    ])
  })
})

describe('folders', () => {
  const data = () =>
    filesOf({
      '/data/meta.properties': 'version=1\ncluster.id=abc\n',
      '/data/log-start-offset-checkpoint': '0\n1\norders 0 1\n',
      [LOG]: log,
      [INDEX]: offsetEntry(1, 0),
      [`${FOLDER}/partition.metadata`]: 'version: 0\ntopic_id: b8tRS7h4TJ2Vt43Dp85v2A\n',
      '/data/gone-1.0123456789abcdef0123456789abcdef-delete/00000000000000000000.log': batch(0n, [
        'x',
      ]).subarray(1),
    })

  test('a data directory is summed up, with what is wrong in it', async () => {
    const items = await itemsOf(data(), '/data/')
    expect(fieldsOf(items, 'partition')).toEqual([
      expect.objectContaining({ topic: 'gone', partition: 1, state: 'delete', problems: 1 }),
      {
        topic: 'orders',
        partition: 0,
        topicId: 'b8tRS7h4TJ2Vt43Dp85v2A',
        segments: 1,
        startOffset: 1n,
        endOffset: 3n,
        batches: 2,
        records: 3,
        bytes: log.length,
        problems: 0,
        state: null,
      },
    ])
    expect(fieldsOf(items, 'entry')).toContainEqual({ 'cluster.id': 'abc' })
  })

  test('a topic of it is dumped in full, a segment before its indexes', async () => {
    const choice = { topic: 'orders', partition: undefined }
    const items = await itemsOf(data(), '/data', {}, choice)
    expect(fieldsOf(items, 'file').map(({ kind }) => kind)).toEqual(['segment', 'offset index', 'properties'])
    const other = await itemsOf(data(), '/data', {}, { topic: 'none', partition: 1 })
    expect(problemsOf(other)).toEqual(['it has no partition none-1'])
  })

  test('a snapshot of the metadata: its offsets have nothing to do with its name', async () => {
    const path = '/data/__cluster_metadata-0/00000000000000000018-0000000001.checkpoint'
    const items = await itemsOf(filesOf({ [path]: batch(0n, ['a']) }), path)
    expect(fieldsOf(items, 'file')).toMatchObject([{ kind: 'metadata snapshot', endOffset: 18n, epoch: 1 }])
    expect(problemsOf(items)).toEqual([])
  })

  test('a folder with many problems: how many are not told', async () => {
    const path = '/data/orders-0/00000000000000000000.log'
    const wrong = Array.from({ length: 30 }, () => batch(0n, ['a']))
    const problems = problemsOf(await itemsOf(filesOf({ [path]: Buffer.concat(wrong) }), '/data'))
    expect(problems.length).toBe(21)
    expect(problems.at(-1)).toBe('/data/orders-0 has 9 more problems')
  })

  test('empty, foreign, or without permission', async () => {
    const files = filesOf({ '/home/notes.txt': 'hello', [LOG]: log })
    expect(problemsOf(await itemsOf(files, '/home'))).toEqual([
      'the folder holds nothing of a data directory',
    ])
    files.makeDirectory('/empty')
    expect(problemsOf(await itemsOf(files, '/empty'))).toEqual(['the folder is empty'])
    const refuse = () => {
      throw Object.assign(new Error('EACCES'), { code: 'EACCES' })
    }
    const closed = {
      list: (path: string) => files.list(path),
      exists: () => true,
      open: refuse,
    } as unknown as Files
    expect(problemsOf(await itemsOf(closed, LOG))).toEqual(['no permission to read it'])
  })
})
