import { describe, expect, test } from 'vitest'
import { ManualClock } from '../platform/manual-clock.ts'
import { MemoryFiles } from '../platform/memory-files.ts'
import type { Files, OpenFile } from '../platform/platform.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import {
  append,
  batchOf,
  copyFiles,
  openStorage,
  readAll,
  topicConfig,
  values,
} from './test-support/storage.ts'

const FOLDER = '/data/t-0'
const LOG = `${FOLDER}/00000000000000000000.log`
const config = topicConfig({ 'index.interval.bytes': 100 })

/** Three producers' worth of batches in one segment, and where each batch ends. */
async function threeBatches() {
  const storage = await openStorage(config)
  const ends: number[] = [0]
  for (let i = 0; i < 3; i++) {
    const producer = { producerId: 9n, producerEpoch: 0, baseSequence: i * 2 }
    storage.partition.append(batchOf([{ value: `a${i}` }, { value: `b${i}` }], producer), 0, 'client')
    ends.push(storage.partition.log.sizeInBytes)
  }
  return { ...storage, ends }
}

describe('after a crash', () => {
  test('a file that is cut anywhere gives the batches that are whole, and goes on behind them', async () => {
    const { files, ends } = await threeBatches()
    const full = files.read(LOG)
    for (let length = 0; length <= full.length; length++) {
      const crashed = copyFiles(files)
      crashed.replace(LOG, full.subarray(0, length))
      const whole = ends.findLastIndex((end) => end <= length)
      const { partition } = await openStorage(config, crashed)
      expect(partition.log.logEndOffset).toBe(BigInt(whole * 2))
      expect(crashed.read(LOG).length).toBe(ends[whole])
      const [producer] = partition.log.describe().producers
      expect(producer?.lastSequence).toBe(whole === 0 ? undefined : whole * 2 - 1)
      append(partition, 'next')
      expect((await readAll(partition)).map(({ offset }) => offset)).toEqual(
        Array.from({ length: whole * 2 + 1 }, (_, i) => BigInt(i)),
      )
    }
  })

  test('a flipped byte ends the log in front of its batch, wherever the checksum or the structure sees it', async () => {
    const { files, ends } = await threeBatches()
    const full = files.read(LOG)
    for (let at = ends[1]!; at < ends[2]!; at++) {
      const within = at - ends[1]!
      // The base offset's low bytes may grow and the leader epoch may change without anybody noticing: neither is under the checksum.
      if (within < 8 || (within >= 12 && within < 16)) continue
      const crashed = copyFiles(files)
      const flipped = Buffer.from(full)
      flipped[at]! ^= 0x41
      crashed.replace(LOG, flipped)
      const { partition } = await openStorage(config, crashed)
      expect([within, values(await readAll(partition))]).toEqual([within, ['a0', 'b0']])
    }
  })

  test('segments behind a damaged one are removed, with what belongs to them', async () => {
    const small = topicConfig({ 'segment.bytes': 100 })
    const { files, partition } = await openStorage(small)
    for (const value of ['a', 'b', 'c', 'd']) append(partition, value)
    const crashed = copyFiles(files)
    const second = `${FOLDER}/00000000000000000001.log`
    crashed.replace(second, crashed.read(second).subarray(0, 30))
    const after = await openStorage(small, crashed)
    expect(values(await readAll(after.partition))).toEqual(['a'])
    const left = crashed.list(FOLDER).map(({ name }) => name)
    expect(left.filter((name) => /^0*[23]\./.test(name))).toEqual([])
  })

  test('what lies below the recovery point is not read again', async () => {
    const small = topicConfig({ 'segment.bytes': 100 })
    const { files, clock, partition } = await openStorage(small)
    for (const value of ['a', 'b', 'c']) append(partition, value)
    await partition.log.flush()
    clock.advance(60_000)
    await new Promise((resolve) => setImmediate(resolve))
    expect(files.read('/data/recovery-point-offset-checkpoint').toString()).toBe('0\n1\nt 0 3\n')
    const crashed = copyFiles(files)
    const first = `${FOLDER}/00000000000000000000.log`
    const damaged = crashed.read(first)
    damaged[damaged.length - 3]! ^= 1
    crashed.replace(first, damaged)
    const after = await openStorage(small, crashed)
    expect(after.partition.log.logEndOffset).toBe(3n)
  })

  test('deleted records stay deleted', async () => {
    const { files, partition } = await openStorage(config)
    append(partition, 'a', 'b', 'c')
    partition.log.deleteRecordsBefore(2n)
    expect(partition.log.logStartOffset).toBe(2n)
    const after = await openStorage(config, copyFiles(files))
    expect(after.partition.log.logStartOffset).toBe(2n)
    expect(() => after.partition.log.read(1n, 10, 3n, true)).toThrow(
      expect.objectContaining({ code: ErrorCode.OFFSET_OUT_OF_RANGE }),
    )
  })

  test('a producer goes on in a log that lost all behind what was deleted', async () => {
    const { files, ends, partition } = await threeBatches()
    partition.log.deleteRecordsBefore(6n)
    const crashed = copyFiles(files)
    crashed.replace(LOG, files.read(LOG).subarray(0, ends[1]))
    const { partition: after } = await openStorage(config, crashed)
    expect(after.log.logEndOffset).toBe(6n)
    const producer = { producerId: 9n, producerEpoch: 0, baseSequence: 6 }
    after.append(batchOf([{ value: 'a3' }], producer), 0, 'client')
    expect(values(await readAll(after))).toEqual(['a3'])
  })

  test('leader epochs are found in the batches', async () => {
    const { files, partition } = await openStorage(config, new MemoryFiles(), new ManualClock(), 1)
    append(partition, 'a')
    partition.leaderEpoch = 4
    append(partition, 'b', 'c')
    const epochs = [
      { epoch: 1, startOffset: 0n },
      { epoch: 4, startOffset: 1n },
    ]
    expect(partition.log.describe().leaderEpochs).toEqual(epochs)
    for (const damage of ['', '0\n5\n1 0\n', undefined]) {
      const crashed = copyFiles(files)
      if (damage === undefined) crashed.remove(`${FOLDER}/leader-epoch-checkpoint`)
      else crashed.replace(`${FOLDER}/leader-epoch-checkpoint`, damage)
      const after = await openStorage(config, crashed, new ManualClock(), 4)
      expect(after.partition.log.describe().leaderEpochs).toEqual(epochs)
      expect(after.partition.log.endOffsetForEpoch(1)).toEqual({ leaderEpoch: 1, endOffset: 1n })
      expect(after.partition.log.endOffsetForEpoch(3)).toEqual({ leaderEpoch: 1, endOffset: 1n })
      expect(after.partition.log.endOffsetForEpoch(4)).toEqual({ leaderEpoch: 4, endOffset: 3n })
      expect(after.partition.log.endOffsetForEpoch(5)).toEqual({ leaderEpoch: -1, endOffset: -1n })
    }
  })
})

describe('after a clean stop', () => {
  test.each(['.index', '.timeindex'])('a missing or damaged %s is built anew', async (suffix) => {
    const { files, partition, partitions } = await openStorage(config)
    for (let i = 0; i < 30; i++) {
      partition.append(batchOf([{ value: `v${i}`, timestamp: 1_700_000_000_000n + BigInt(i) }]))
    }
    await partitions.stop(1n)
    const path = `${FOLDER}/00000000000000000000${suffix}`
    const good = files.read(path)
    for (const damage of [
      undefined,
      Buffer.alloc(5),
      ...(suffix === '.timeindex' ? [Buffer.alloc(0)] : []),
    ]) {
      const copy = copyFiles(files)
      if (damage) copy.replace(path, damage)
      else copy.remove(path)
      const after = await openStorage(config, copy)
      expect(values(await readAll(after.partition))).toHaveLength(30)
      expect(after.partition.log.offsetForTimestamp(1_700_000_000_017n)?.offset).toBe(17n)
      await after.partitions.stop(1n)
      expect(copy.read(path)).toEqual(good)
    }
  })

  test('a missing or damaged snapshot is made up for from the batches', async () => {
    const { files, partitions, partition } = await threeBatches()
    const [producer] = partition.log.describe().producers
    await partitions.stop(1n)
    const path = `${FOLDER}/00000000000000000006.snapshot`
    for (const damage of [undefined, Buffer.from('00010000', 'hex')]) {
      const copy = copyFiles(files)
      if (damage) copy.replace(path, damage)
      else copy.remove(path)
      const after = await openStorage(config, copy)
      expect(after.partition.log.describe().producers).toEqual([producer])
    }
  })

  test('what an interrupted removal or compaction left is tidied up', async () => {
    const { files, partition, partitions } = await openStorage(config)
    append(partition, 'a')
    append(partition, 'b')
    await partitions.stop(1n)
    const original = files.read(LOG)
    const copy = copyFiles(files)
    copy.replace(`${FOLDER}/00000000000000000000.log.deleted`, 'x')
    copy.replace(`${FOLDER}/00000000000000000000.index.cleaned`, 'x')
    copy.replace(`${FOLDER}/00000000000000000007.index`, '')
    // With nothing left to clean behind it, a swap is complete: here it keeps only the first batch.
    const done = copyFiles(files)
    done.replace(`${FOLDER}/00000000000000000000.log.swap`, original.subarray(0, original.length / 2))
    const tidied = (await openStorage(config, copy)).partition
    expect(values(await readAll(tidied))).toEqual(['a', 'b'])
    expect(copy.list(FOLDER).filter(({ name }) => /deleted|cleaned|0007/.test(name))).toEqual([])
    expect(values(await readAll((await openStorage(config, done)).partition))).toEqual(['a'])
  })

  test('the folder of a topic of the same name but another id is put aside', async () => {
    const { files, partition, partitions } = await openStorage(config)
    append(partition, 'a')
    await partitions.stop(1n)
    files.replace(`${FOLDER}/partition.metadata`, 'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAABB')
    const after = await openStorage(config, files)
    expect(after.partition.log.logEndOffset).toBe(0n)
    expect(files.list('/data').some(({ name }) => /^t-0\.[0-9a-f]{32}-stray$/.test(name))).toBe(true)
  })
})

/** Files on which writes to `.log` files begin to fail, half done, when told. */
class FailingFiles extends MemoryFiles {
  mode: 'none' | 'torn' | 'torn and stuck' = 'none'

  override open(path: string, mode: 'read' | 'write' | 'create'): OpenFile {
    const file = super.open(path, mode)
    if (!path.endsWith('.log')) return file
    const fail = () => Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
    return {
      path,
      size: () => file.size(),
      readSync: (into, position) => file.readSync(into, position),
      read: (into, position) => file.read(into, position),
      flush: () => file.flush(),
      flushSync: () => file.flushSync(),
      close: () => file.close(),
      write: (buffers, position) => {
        if (this.mode === 'none') return file.write(buffers, position)
        file.write([buffers[0]!.subarray(0, buffers[0]!.length / 2)], position)
        throw fail()
      },
      truncate: (size) => {
        if (this.mode === 'torn and stuck') throw fail()
        file.truncate(size)
      },
    }
  }
}

describe('a write that fails', () => {
  test.each(['torn', 'torn and stuck'] as const)(
    '(%s) changes nothing, and the log goes on later',
    async (mode) => {
      const files = new FailingFiles()
      const { partition } = await openStorage(config, files as Files)
      append(partition, 'a')
      const before = partition.log.describe()
      files.mode = mode
      const producer = { producerId: 4n, producerEpoch: 0, baseSequence: 0 }
      for (let i = 0; i < 2; i++) {
        expect(() => partition.append(batchOf([{ value: 'lost' }], producer), 0, 'client')).toThrow(
          expect.objectContaining({ code: ErrorCode.KAFKA_STORAGE_ERROR }),
        )
      }
      expect(partition.log.describe()).toEqual(before)
      files.mode = 'none'
      append(partition, 'b')
      expect(values(await readAll(partition))).toEqual(['a', 'b'])
      const after = await openStorage(config, copyFiles(files))
      expect(values(await readAll(after.partition))).toEqual(['a', 'b'])
    },
  )

  test('of the very first batch leaves an empty log', async () => {
    const files = new FailingFiles()
    files.mode = 'torn'
    const { partition } = await openStorage(config, files as Files)
    expect(() => append(partition, 'lost')).toThrow(
      expect.objectContaining({ code: ErrorCode.KAFKA_STORAGE_ERROR }),
    )
    files.mode = 'none'
    append(partition, 'a')
    expect(values(await readAll(partition))).toEqual(['a'])
  })
})
