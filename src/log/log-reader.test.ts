import { describe, expect, test } from 'vitest'
import { MemoryFiles } from '../platform/memory-files.ts'
import type { OpenFile } from '../platform/platform.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import type { FetchedRecords } from './partition-log.ts'
import {
  append,
  copyFiles,
  openStorage,
  readAll,
  recordsOf,
  seeded,
  topicConfig,
  values,
} from './test-support/storage.ts'

const FOLDER = '/data/t-0'
const LOG = `${FOLDER}/00000000000000000000.log`
/** Reads of this size go off the main thread, and into memory of the pool. */
const LARGE = 200 * 1024

/** Files whose large reads wait until the test lets them go on, or fail. */
class SlowFiles extends MemoryFiles {
  isSlow = false
  failure: Error | undefined
  waiting: (() => void)[] = []

  override open(path: string, mode: 'read' | 'write' | 'create'): OpenFile {
    const file = super.open(path, mode)
    return {
      path,
      size: () => file.size(),
      readSync: (into, position) => {
        if (this.failure && path.endsWith('.log')) throw this.failure
        return file.readSync(into, position)
      },
      read: async (into, position) => {
        if (this.isSlow) await new Promise<void>((resolve) => this.waiting.push(resolve))
        if (this.failure) throw this.failure
        return file.read(into, position)
      },
      write: (buffers, position) => file.write(buffers, position),
      truncate: (size) => file.truncate(size),
      flush: () => file.flush(),
      flushSync: () => file.flushSync(),
      close: () => file.close(),
    }
  }

  letGo(): void {
    for (const resolve of this.waiting.splice(0)) resolve()
  }
}

const text = (at: number, length: number) => `${at}:${String.fromCharCode(97 + (at % 26)).repeat(length)}`

/** A log of so many records, one a batch, that has just been opened: nothing of it is in memory. */
async function coldLog(count: number, length: number, config = topicConfig()) {
  const warm = await openStorage(config)
  for (let at = 0; at < count; at++) append(warm.partition, text(at, length))
  await warm.partitions.stop(1n)
  const files = new SlowFiles()
  const copy = copyFiles(warm.files)
  const copyTo = (path: string) => {
    files.makeDirectory(path)
    for (const { name, isDirectory } of copy.list(path)) {
      if (isDirectory) copyTo(`${path}/${name}`)
      else files.replace(`${path}/${name}`, copy.read(`${path}/${name}`))
    }
  }
  copyTo('/data')
  const storage = await openStorage(config, files)
  return { ...storage, files, log: storage.partition.log, buffers: storage.partitions.readBuffers }
}

const disk = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' })
const storageError = expect.objectContaining({ code: ErrorCode.KAFKA_STORAGE_ERROR })

describe('reads into memory that is used again', () => {
  test('however many are under way and however they are given back, each has its own bytes', async () => {
    const { log, buffers, files } = await coldLog(400, 10_000)
    const next = seeded(5)
    const held: { from: number; fetched: FetchedRecords }[] = []
    const check = ({ from, fetched }: (typeof held)[number]) => {
      const records = recordsOf(fetched)
      expect(records.length).toBeGreaterThan(0)
      for (const [delta, { offset, value }] of records.entries()) {
        expect(offset).toBe(BigInt(from + delta))
        if (value !== text(from + delta, 10_000)) throw new Error(`offset ${offset}: ${value.slice(0, 20)}`)
      }
    }
    for (let round = 0; round < 150; round++) {
      files.isSlow = next(2) === 0
      const froms = Array.from({ length: 1 + next(4) }, () => next(390))
      const reads = froms.map((from) => log.read(BigInt(from), LARGE + next(3_000_000), 400n, true))
      files.letGo()
      for (const [at, fetched] of (await Promise.all(reads)).entries())
        held.push({ from: froms[at]!, fetched })
      // Clients take their answers in any order; one of them never does.
      while (held.length > 1 + next(8)) {
        const [taken] = held.splice(1 + next(held.length - 1), 1)
        check(taken!)
        for (const bytes of taken!.fetched.buffers) if (buffers.owns(bytes)) buffers.giveBack(bytes)
      }
    }
    for (const each of held) check(each)
  })

  test('a first batch that is larger than the limit comes whole, and what was read of it before is free again', async () => {
    const { log, buffers } = await coldLog(2, 500_000)
    const free = buffers.take(LARGE)
    buffers.giveBack(free)
    const fetched = await log.read(0n, LARGE, 2n, true)
    expect(values(recordsOf(fetched))).toEqual([text(0, 500_000)])
    expect(buffers.owns(fetched.buffers[0]!)).toBe(false)
    expect(buffers.take(LARGE).buffer).toBe(free.buffer)
    expect(await log.read(0n, LARGE, 2n, false)).toMatchObject({ sizeInBytes: 0, nextOffset: 0n })
  })
})

describe('while a read is under way', () => {
  test('its segment may go, and whoever reads on finds what is left', async () => {
    const config = topicConfig({ 'segment.bytes': 300_000, 'file.delete.delay.ms': 0 })
    const { log, files, partition, clock } = await coldLog(60, 10_000, config)
    files.isSlow = true
    const second = log.describe().segments[1]!.baseOffset
    const read = log.read(0n, 1_000_000, 60n, true)
    log.deleteRecordsBefore(second)
    clock.advance(1)
    files.letGo()
    const fetched = await read
    expect(recordsOf(fetched)).toHaveLength(Number(second))
    expect(fetched.nextOffset).toBe(second)
    // What was learnt of the segment is of no use any more.
    expect(log.sizeBetween(second, 60n)).toBe(log.sizeInBytes)
    files.isSlow = false
    expect(await readAll(partition, second, 1_000_000)).toHaveLength(60 - Number(second))
  })

  test('the log may be cut and grow again, and whoever reads on gets whole batches', async () => {
    const { log, files, partition } = await coldLog(60, 10_000)
    files.isSlow = true
    const read = log.read(0n, LARGE, 60n, true)
    files.letGo()
    log.truncateTo(5n)
    for (let at = 5; at < 40; at++) append(partition, text(at, 7777))
    const { nextOffset } = await read
    files.isSlow = false
    const found = recordsOf(await log.read(nextOffset, LARGE, 40n, true))
    expect(found[0]).toMatchObject({ offset: nextOffset, value: text(Number(nextOffset), 7777) })
  })

  test('the topic may be deleted: the read ends as it began', async () => {
    const { log, files, partitions } = await coldLog(60, 10_000)
    files.isSlow = true
    const read = log.read(3n, LARGE, 60n, true)
    partitions.delete('t')
    files.letGo()
    expect(recordsOf(await read)[0]).toMatchObject({ offset: 3n, value: text(3, 10_000) })
  })

  test('the topic may be deleted before its large first batch is read whole', async () => {
    const { log, files, partitions, clock } = await coldLog(2, 500_000)
    files.isSlow = true
    const read = log.read(0n, LARGE, 2n, true)
    partitions.delete('t')
    clock.advance(100_000)
    files.letGo()
    await expect(read).rejects.toEqual(storageError)
  })

  test('the broker may stop', async () => {
    const { log, files, partitions } = await coldLog(60, 10_000)
    files.isSlow = true
    const read = log.read(3n, LARGE, 60n, true)
    await partitions.stop(1n)
    files.letGo()
    expect(recordsOf(await read)[0]).toMatchObject({ offset: 3n })
  })
})

describe('a file that is not as it should be', () => {
  test.each([10, 100, 9_000, 150_000])(
    'cut at %i bytes behind the broker gives nothing beyond',
    async (size) => {
      const { log, files } = await coldLog(20, 10_000)
      files.open(LOG, 'write').truncate(size)
      const whole = Math.floor(size / 10_080)
      for (const maxBytes of [1, 5000, 50_000, LARGE]) {
        const fetched = await log.read(0n, maxBytes, 20n, true)
        expect(recordsOf(fetched).length).toBeLessThanOrEqual(whole)
        expect(fetched.nextOffset).toBe(BigInt(recordsOf(fetched).length))
      }
    },
  )

  test.each([-12, 0, -2_000_000_000])(
    'with a batch of length %i gives what is in front of it, then an error',
    async (length) => {
      const { log, files } = await coldLog(20, 10_000)
      const bytes = files.read(LOG)
      const second = 12 + bytes.readInt32BE(8)
      const damage = Buffer.alloc(4)
      damage.writeInt32BE(length)
      files.open(LOG, 'write').write([damage], second + 8)
      expect(recordsOf(await log.read(0n, LARGE, 20n, true))).toHaveLength(1)
      expect(() => log.read(1n, 50_000, 20n, true)).toThrow(
        expect.objectContaining({ code: ErrorCode.CORRUPT_MESSAGE }),
      )
    },
  )

  test('that the disk cannot read gives KAFKA_STORAGE_ERROR, and works again later', async () => {
    const { log, files } = await coldLog(60, 10_000)
    files.failure = disk
    expect(() => log.read(3n, 1000, 60n, true)).toThrow(storageError)
    await expect(log.read(0n, LARGE, 60n, true)).rejects.toEqual(storageError)
    expect(() => log.offsetForTimestamp(1n)).toThrow(storageError)
    expect(() => log.maxTimestampOffset()).toThrow(storageError)
    files.failure = undefined
    expect(recordsOf(await log.read(3n, 1000, 60n, true))[0]).toMatchObject({ offset: 3n })
  })
})
