import { expect, test } from 'vitest'
import { SimulatedFiles } from '../platform/simulated-files.ts'
import { SimulatedRandom } from '../platform/simulated-random.ts'
import { append, batchOf, DATA, openStorage, readAll, settle, topicConfig } from './test-support/storage.ts'

/** Four batches to a segment, of which the third one gets an entry in the indexes at once. */
const rolling = { 'segment.bytes': 340, 'index.interval.bytes': 100, 'flush.ms': 10 }
const START_MS = 1_700_000_000_000n
const COUNT = 10
const timeOf = (index: number) => START_MS + BigInt(index)

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'after a loss of power indexes tell of all that had been flushed (%i)',
  async (seed) => {
    const config = topicConfig(rolling)
    const files = new SimulatedFiles(new SimulatedRandom(seed))
    const { partition, clock } = await openStorage(config, files)
    for (let index = 0; index < COUNT; index++) {
      partition.append(batchOf([{ value: 'a', timestamp: timeOf(index) }]), 0, 'client', {
        produceVersion: 9,
      })
      clock.advance(10)
      await settle()
    }
    expect(partition.log.segments.length).toBe(3)
    // The checkpoints are written.
    clock.advance(60_000)
    await settle()
    files.losePower()
    const { partition: found } = await openStorage(config, files, clock)
    for (let index = 0; index < COUNT; index++)
      expect(found.log.offsetForTimestamp(timeOf(index))?.offset).toBe(BigInt(index))
  },
)

test('a segment that was sealed while its records were flushed is not taken for flushed before its indexes are', async () => {
  const files = new SimulatedFiles()
  const { partition, clock } = await openStorage(topicConfig(rolling), files)
  for (const value of ['a', 'b', 'c', 'd']) append(partition, value)
  await settle()
  const completions: (() => void)[] = []
  files.complete = (task) => void completions.push(task)
  clock.advance(10)
  await settle()
  // The flush is under way when the segment is sealed.
  append(partition, 'e')
  for (const complete of completions.splice(0)) complete()
  await settle()
  expect(partition.log.recoveryPoint).toBe(0n)
  for (const complete of completions.splice(0)) complete()
  await settle()
  expect(partition.log.recoveryPoint).toBe(4n)
  expect(await readAll(partition)).toHaveLength(5)
})

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'indexes that a start built anew are on the device when the broker has stopped (%i)',
  async (seed) => {
    const config = topicConfig({ 'index.interval.bytes': 0, 'flush.ms': 10, 'flush.messages': COUNT - 2 })
    const files = new SimulatedFiles(new SimulatedRandom(seed))
    const { partition, clock } = await openStorage(config, files)
    for (let index = 0; index < COUNT; index++) {
      partition.append(batchOf([{ value: 'a', timestamp: timeOf(index) }]), 0, 'client', {
        produceVersion: 9,
      })
      // The device gets the first entries of the indexes, and later records alone.
      if (index === 1) clock.advance(10)
      await settle()
    }
    expect(partition.log.recoveryPoint).toBe(BigInt(COUNT))
    clock.advance(60_000)
    await settle()
    files.losePower()
    // Recovery builds the indexes of the last segment; nothing is appended.
    const { partitions } = await openStorage(config, files, clock)
    await partitions.stop(0n)
    files.losePower()
    const { partition: found } = await openStorage(config, files, clock)
    for (let index = 0; index < COUNT; index++)
      expect(found.log.offsetForTimestamp(timeOf(index))?.offset).toBe(BigInt(index))
  },
)

test('an index that was missing is on the device as soon as it is there again', async () => {
  const files = new SimulatedFiles()
  const { partition, partitions, clock } = await openStorage(topicConfig(rolling), files)
  append(partition, 'a')
  await partitions.stop(0n)
  files.remove(`${DATA}/t-0/00000000000000000000.timeindex`)
  const { calls } = files.faults
  calls.length = 0
  const reopened = await openStorage(topicConfig(rolling), files, clock)
  expect(await readAll(reopened.partition)).toHaveLength(1)
  expect(calls).toContain('fdatasync 00000000000000000000.timeindex')
})
