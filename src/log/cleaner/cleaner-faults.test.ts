import { describe, expect, test } from 'vitest'
import type { Files } from '../../platform/platform.ts'
import { SimulatedFiles } from '../../platform/simulated-files.ts'
import { buildBatch } from '../../protocol/batch-builder.ts'
import { readRecords } from '../../protocol/record.ts'
import type { Partition } from '../partition.ts'
import {
  copyFiles,
  openStorage,
  type Storage,
  settle,
  storageSettings,
  topicConfig,
} from '../test-support/storage.ts'

const NOW = 1_700_000_000_000n
const config = topicConfig({
  'cleanup.policy': 'compact,delete',
  'segment.bytes': 600,
  'index.interval.bytes': 100,
  'min.cleanable.dirty.ratio': 0,
  'delete.retention.ms': 1000,
  'file.delete.delay.ms': 1000,
})
/** Room for five keys: it takes several passes. */
const settings = { ...storageSettings, cleaner: { ...storageSettings.cleaner, dedupeBufferBytes: 24 * 6 } }
const open = (files: Files) => openStorage(config, files, undefined, 0, undefined, settings)
const KEYS = 6
const RECORDS = 32

/** Records of a few keys, tombstones among them, and the last batch of a producer. */
function fill({ partition }: Storage): void {
  for (let at = 0; at < RECORDS; at++) {
    const value = at % 7 === 3 ? null : Buffer.from(`${at}-${'x'.repeat(at % 40)}`)
    const records = [{ key: Buffer.from(`k${at % KEYS}`), value, headers: [], timestamp: NOW }]
    const producer = at === 20 ? { producerId: 7n, producerEpoch: 0, baseSequence: 0 } : {}
    partition.append(buildBatch({ baseOffset: 0n, leaderEpoch: -1, records, ...producer }))
  }
}

/** Offset and value of every record that is there. */
function recordsIn(partition: Partition): Map<bigint, string> {
  const found = new Map<bigint, string>()
  for (const batch of partition.log.batches()) {
    for (const { offset, key, value } of readRecords(batch)) {
      expect(found.has(offset)).toBe(false)
      found.set(offset, `${key} ${value}`)
    }
  }
  return found
}

/** What compaction must never lose: the last value of each key. */
function latest(records: Map<bigint, string>): Map<string, string> {
  const found = new Map<string, string>()
  for (const line of records.values()) {
    const [key, value] = line.split(' ') as [string, string]
    if (value === 'null') found.delete(key)
    else found.set(key, value)
  }
  return found
}

/** Every so many calls one is tried; 1 tries them all, which takes half a minute. */
const STEP = Number(process.env.ODRADEK_FAULT_STEP ?? 5)

/** A cleaning, and the removal of what it replaced. */
async function clean({ clock, partitions }: Storage): Promise<void> {
  await partitions.cleanDue()
  clock.advance(2000)
  await settle()
}

async function undisturbed(): Promise<{
  calls: string[]
  before: Map<bigint, string>
  after: Map<bigint, string>
}> {
  const files = new SimulatedFiles()
  const storage = await open(files)
  fill(storage)
  await settle()
  const before = recordsIn(storage.partition)
  const first = files.faults.calls.length
  await clean(storage)
  return { calls: files.faults.calls.slice(first), before, after: recordsIn(storage.partition) }
}

function audit(partition: Partition, before: Map<bigint, string>, place: unknown[]): void {
  const there = recordsIn(partition)
  for (const [offset, record] of there)
    expect([place, offset, record]).toEqual([place, offset, before.get(offset)])
  expect([place, latest(there)]).toEqual([place, latest(before)])
  expect([place, partition.log.logEndOffset]).toEqual([place, BigInt(RECORDS)])
  expect([place, partition.log.describe().producers[0]?.lastSequence]).toEqual([place, 0])
}

describe('compaction', { timeout: 600_000 }, () => {
  test('killed at any point leaves a log with all that counts, and ends the same when it comes again', async () => {
    const { calls, before, after } = await undisturbed()
    expect(after.size).toBeLessThan(before.size)
    expect(calls.filter((call) => call.includes('.swap')).length).toBeGreaterThan(10)
    for (let n = 1; n <= calls.length; n += STEP) {
      for (const isTorn of calls[n - 1]!.startsWith('write') ? [false, true] : [false]) {
        const place = [n, calls[n - 1], isTorn]
        const files = new SimulatedFiles()
        const storage = await open(files)
        fill(storage)
        await settle()
        files.failAt(n, { isTorn })
        await clean(storage)
        const killed = await open(copyFiles(files))
        audit(killed.partition, before, place)
        expect(
          killed.files.list('/data/t-0').filter(({ name }) => /cleaned|swap|deleted/.test(name)),
        ).toEqual([])
        killed.clock.advance(60_000)
        await clean(killed)
        await clean(killed)
        audit(killed.partition, before, place)
      }
    }
  })

  test('on a disk where any one call fails loses nothing, and goes on', async () => {
    const { calls, before } = await undisturbed()
    for (let n = 1; n <= calls.length; n += STEP) {
      for (const [count, isTorn] of [
        [1, false],
        [1, true],
        [3, true],
      ] as const) {
        const place = [n, calls[n - 1], count, isTorn]
        const files = new SimulatedFiles()
        const storage = await open(files)
        fill(storage)
        await settle()
        files.failAt(n, { count, isTorn })
        await clean(storage)
        audit(storage.partition, before, place)
        audit((await open(copyFiles(files))).partition, before, place)
        await clean(storage)
        audit(storage.partition, before, place)
        expect([place, storage.partition.log.describe().notes]).toEqual([place, []])
        await storage.partitions.stop(1n)
        const after = await open(copyFiles(files))
        audit(after.partition, before, place)
      }
    }
  })

  test('power lost at any point: what was given up for it is on the device', async () => {
    const { calls, before } = await undisturbed()
    for (let n = 1; n <= calls.length; n += STEP) {
      const files = new SimulatedFiles()
      const storage = await open(files)
      fill(storage)
      await storage.partition.log.flush()
      await settle()
      files.failAt(n, {})
      await clean(storage)
      files.faults.clear()
      files.losePower()
      const { partition } = await open(files)
      audit(partition, before, [n, calls[n - 1]])
    }
  })
})
