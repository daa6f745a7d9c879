import { describe, expect, test } from 'vitest'
import { buildBatch } from '../../protocol/batch-builder.ts'
import { readRecords } from '../../protocol/record.ts'
import { baseOffset, lastOffset, recordCount } from '../../protocol/record-batch.ts'
import type { Partition } from '../partition.ts'
import { copyFiles, openStorage, storageSettings, topicConfig } from '../test-support/storage.ts'

const NOW = 1_700_000_000_000
const compacted = (overrides: Record<string, unknown> = {}) =>
  topicConfig({
    'cleanup.policy': 'compact',
    'segment.bytes': 300,
    'index.interval.bytes': 100,
    'min.cleanable.dirty.ratio': 0.01,
    ...overrides,
  })

type Entry = readonly [key: string, value: string | null]

function batchOf(entries: readonly Entry[], producer: object = {}): Buffer {
  const records = entries.map(([key, value]) => ({
    key: Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: [],
    timestamp: BigInt(NOW),
  }))
  return buildBatch({ baseOffset: 0n, leaderEpoch: -1, records, ...producer })
}

/** One batch for each. */
function put(partition: Partition, ...entries: Entry[]): void {
  for (const entry of entries) partition.append(batchOf([entry]))
}

/** So many bytes that what came before is in segments that are full. */
const roll = (partition: Partition) => put(partition, ['roll', 'x'.repeat(200)])

const contents = (partition: Partition) =>
  Array.from(partition.log.batches(), (batch) =>
    Array.from(
      readRecords(batch),
      ({ offset, key, value }) => `${offset} ${key} ${value === null ? null : value.toString().slice(0, 8)}`,
    ),
  ).flat()
const bases = (partition: Partition) =>
  partition.log.describe().segments.map(({ baseOffset: base }) => Number(base))

describe('compaction', () => {
  test('keeps the last record of each key at its offset, and what is written to', async () => {
    const { files, partition, partitions } = await openStorage(compacted())
    put(partition, ['a', '1'], ['b', '1'], ['a', '2'], ['c', '1'], ['a', '3'], ['b', '2'], ['a', '4'])
    roll(partition)
    put(partition, ['a', '5'])
    const end = partition.log.logEndOffset
    await partitions.cleanDue()
    expect(contents(partition)).toEqual(['3 c 1', '5 b 2', '6 a 4', '7 roll xxxxxxxx', '8 a 5'])
    expect(partition.log.logEndOffset).toBe(end)
    expect(files.read('/data/cleaner-offset-checkpoint').toString()).toBe(
      `0\n1\nt 0 ${bases(partition).at(-1)}\n`,
    )
    for (const stop of [false, true]) {
      if (stop) await partitions.stop(1n)
      const after = await openStorage(compacted(), copyFiles(files))
      expect(contents(after.partition)).toEqual(contents(partition))
      expect(bases(after.partition)).toEqual(bases(partition))
    }
  })

  test('reads of any offset come to the next record that is left', async () => {
    const { partition, partitions } = await openStorage(compacted())
    for (let at = 0; at < 30; at++) put(partition, [`k${at % 3}`, `${at}`])
    await partitions.cleanDue()
    const left = contents(partition).map((line) => BigInt(line.split(' ')[0]!))
    for (let offset = 0n; offset < partition.log.logEndOffset; offset++) {
      const wanted = left.find((each) => each >= offset)!
      const fetched = await partition.log.read(offset, 10_000, partition.log.logEndOffset, true)
      expect(baseOffset(fetched.buffers[0]!, 0)).toBe(wanted)
    }
  })

  test('comes by itself, 15 seconds after the last look', async () => {
    const { clock, partition } = await openStorage(compacted())
    put(partition, ['a', '1'], ['a', '2'])
    roll(partition)
    roll(partition)
    clock.advance(15_000)
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(contents(partition)[0]).toBe('1 a 2')
  })

  test('small segments become one, large ones stay', async () => {
    const { partition, partitions } = await openStorage(compacted())
    for (let at = 0; at < 20; at++) put(partition, [`k${at}`, 'x'.repeat(40)])
    const before = bases(partition)
    await partitions.cleanDue()
    expect(bases(partition)).toEqual(before)
    partitions.updateConfig('t', compacted({ 'segment.bytes': 700, 'min.cleanable.dirty.ratio': 0 }))
    for (let at = 0; at < 20; at++) put(partition, [`k${at}`, 'y'])
    await partitions.cleanDue()
    expect(bases(partition).length).toBeLessThan(before.length)
    expect(new Set(contents(partition).map((line) => line.split(' ')[1])).size).toBe(20)
  })

  test('a tombstone stays for delete.retention.ms behind the first cleaning, then goes', async () => {
    const { clock, partition, partitions } = await openStorage(compacted({ 'delete.retention.ms': 1000 }))
    put(partition, ['a', '1'], ['b', '1'], ['a', null])
    roll(partition)
    roll(partition)
    await partitions.cleanDue()
    expect(contents(partition).slice(0, 2)).toEqual(['1 b 1', '2 a null'])
    clock.advance(999)
    put(partition, ['c', '1'])
    roll(partition)
    roll(partition)
    await partitions.cleanDue()
    expect(contents(partition)).toContain('2 a null')
    clock.advance(1)
    put(partition, ['c', '2'])
    roll(partition)
    roll(partition)
    await partitions.cleanDue()
    expect(contents(partition)).not.toContain('2 a null')
    expect(contents(partition)[0]).toBe('1 b 1')
  })

  test('the last batch of a producer stays for its sequence number: what follows is known after a crash', async () => {
    const { files, partition, partitions } = await openStorage(compacted())
    const producer = (baseSequence: number) => ({ producerId: 7n, producerEpoch: 0, baseSequence })
    partition.append(batchOf([['a', '1']], producer(0)), 0, 'client')
    partition.append(
      batchOf(
        [
          ['a', '2'],
          ['a', '3'],
        ],
        producer(1),
      ),
      0,
      'client',
    )
    put(partition, ['a', '4'], ['b', '1'])
    roll(partition)
    roll(partition)
    await partitions.cleanDue()
    const emptied = [...partition.log.batches()].filter((batch) => recordCount(batch, 0) === 0)
    expect(emptied.map((batch) => [baseOffset(batch, 0), lastOffset(batch, 0)])).toEqual([[1n, 2n]])
    const { partition: after } = await openStorage(compacted(), withoutSnapshots(copyFiles(files)))
    expect(after.log.describe().producers).toMatchObject([{ producerId: 7n, lastSequence: 2 }])
    expect(after.append(batchOf([['a', '5']], producer(3)), 0, 'client').isDuplicate).toBe(false)
  })

  test('what an open transaction may still change is left alone, and records that were aborted go', async () => {
    const { partition, partitions } = await openStorage(compacted())
    const producer = { producerId: 7n, producerEpoch: 0, baseSequence: 0, isTransactional: true }
    put(partition, ['a', '1'], ['b', '1'])
    roll(partition)
    partition.append(batchOf([['a', 'aborted']], producer), 0, 'client')
    put(partition, ['b', '2'])
    roll(partition)
    roll(partition)
    await partitions.cleanDue()
    expect(contents(partition)).toEqual(expect.arrayContaining(['0 a 1', '1 b 1', '3 a aborted']))
    partition.append(abortMarker(producer))
    roll(partition)
    roll(partition)
    await partitions.cleanDue()
    expect(contents(partition)).not.toContain('3 a aborted')
    expect(contents(partition)).toContain('0 a 1')
    expect(contents(partition)).not.toContain('1 b 1')
    // The producer's last batch is empty, but its transaction is still told of.
    expect(partition.log.abortedTransactions(0n, partition.log.logEndOffset)).toEqual([
      { producerId: 7n, firstOffset: 3n },
    ])
  })

  test('min.compaction.lag.ms leaves young segments alone, max.compaction.lag.ms does not wait for the ratio', async () => {
    const lagging = compacted({ 'min.compaction.lag.ms': 1000, 'min.cleanable.dirty.ratio': 0 })
    const { clock, partition, partitions } = await openStorage(lagging)
    put(partition, ['a', '1'], ['a', '2'])
    roll(partition)
    roll(partition)
    await partitions.cleanDue()
    expect(contents(partition)).toHaveLength(4)
    clock.advance(1000)
    await partitions.cleanDue()
    expect(contents(partition)).toHaveLength(3)
    partitions.updateConfig('t', compacted({ 'max.compaction.lag.ms': 5000, 'min.cleanable.dirty.ratio': 1 }))
    put(partition, ['a', '3'])
    roll(partition)
    roll(partition)
    await partitions.cleanDue()
    expect(contents(partition)).toContain('1 a 2')
    clock.advance(5001)
    await partitions.cleanDue()
    expect(contents(partition)).not.toContain('1 a 2')
  })

  test('with more keys than memory it takes several passes, and keeps the same', async () => {
    const settings = {
      ...storageSettings,
      cleaner: { ...storageSettings.cleaner, dedupeBufferBytes: 24 * 12 },
    }
    const config = compacted({ 'min.cleanable.dirty.ratio': 0 })
    const small = await openStorage(config, undefined, undefined, 0, undefined, settings)
    const large = await openStorage(config)
    for (const { partition, partitions } of [small, large]) {
      for (let at = 0; at < 200; at++) put(partition, [`k${(at * 7) % 40}`, `${at}`])
      await partitions.cleanDue()
    }
    expect(contents(small.partition)).toEqual(contents(large.partition))
    expect(contents(small.partition).length).toBeLessThan(50)
  })

  test('compact,delete also goes by age and size', async () => {
    const config = compacted({ 'cleanup.policy': 'compact,delete', 'retention.ms': 1000 })
    const { clock, partition, partitions } = await openStorage(config)
    put(partition, ['a', '1'], ['a', '2'], ['b', '1'])
    roll(partition)
    await partitions.cleanDue()
    expect(partition.log.logStartOffset).toBe(0n)
    clock.advance(1001)
    await partitions.cleanDue()
    expect([partition.log.logStartOffset, partition.log.logEndOffset]).toEqual([4n, 4n])
  })

  test.each([
    ['record', 66],
    ['offset', 70],
  ])('a log with a damaged %s is left as it is, and says so', async (_, position) => {
    const { files, partition, partitions } = await openStorage(compacted())
    put(partition, ['a', '1'], ['a', '2'])
    roll(partition)
    roll(partition)
    const file = files.open('/data/t-0/00000000000000000000.log', 'write')
    file.write([Buffer.from([0x5f])], position)
    file.close()
    const before = bases(partition)
    await partitions.cleanDue()
    expect(bases(partition)).toEqual(before)
    expect(partition.log.describe().notes).toEqual([expect.stringContaining('is damaged')])
    expect(files.list('/data/t-0').filter(({ name }) => name.endsWith('.cleaned'))).toEqual([])
  })

  test('log.cleaner.enable=false: nothing is compacted', async () => {
    const settings = { ...storageSettings, cleaner: { ...storageSettings.cleaner, isEnabled: false } }
    const { partition, partitions } = await openStorage(
      compacted(),
      undefined,
      undefined,
      0,
      undefined,
      settings,
    )
    put(partition, ['a', '1'], ['a', '2'])
    roll(partition)
    roll(partition)
    await partitions.cleanDue()
    expect(contents(partition)).toHaveLength(4)
  })
})

function withoutSnapshots(files: ReturnType<typeof copyFiles>) {
  for (const { name } of files.list('/data/t-0'))
    if (name.endsWith('.snapshot')) files.remove(`/data/t-0/${name}`)
  return files
}

function abortMarker(producer: object): Buffer {
  const key = Buffer.from('00000000', 'hex')
  const records = [{ key, value: Buffer.from('000000000000', 'hex'), headers: [], timestamp: BigInt(NOW) }]
  return buildBatch({
    ...producer,
    baseOffset: 0n,
    leaderEpoch: -1,
    records,
    baseSequence: -1,
    isTransactional: true,
    isControl: true,
  })
}
