import { expect, test } from 'vitest'
import { SimulatedFiles } from '../platform/simulated-files.ts'
import { SimulatedRandom } from '../platform/simulated-random.ts'
import { batchOf, openStorage, settle, topicConfig } from './test-support/storage.ts'

const COUNT = 40
const timeOf = (index: number) => 1_700_000_000_000n + BigInt(index)

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'indexes that a recovery built are on the device before flushes of records alone go past their segments (%i)',
  async (seed) => {
    const rolling = { 'segment.bytes': 800, 'index.interval.bytes': 0 }
    const files = new SimulatedFiles(new SimulatedRandom(seed))
    const { partition, clock } = await openStorage(topicConfig({ ...rolling, 'flush.ms': 10 }), files)
    const append = (index: number) => partition.append(batchOf([{ value: 'a', timestamp: timeOf(index) }]))
    for (let index = 0; index < 4; index++) append(index)
    // The device gets the first entries of the indexes.
    clock.advance(10)
    await settle()
    // What comes then is written, and the process is killed before any of it is flushed.
    files.complete = () => {}
    for (let index = 4; index < COUNT; index++) append(index)
    expect(partition.log.segments.length).toBeGreaterThan(3)
    await settle()
    files.endProcess()
    // With flush.messages the records go to the device when the log is opened.
    const flushing = topicConfig({ ...rolling, 'flush.messages': 1 })
    const recovered = await openStorage(flushing, files, clock)
    expect(recovered.partition.log.recoveryPoint).toBe(BigInt(COUNT))
    clock.advance(60_000)
    await settle()
    files.losePower()
    const { log } = (await openStorage(flushing, files, clock)).partition
    for (let index = 0; index < COUNT; index++)
      expect(log.offsetForTimestamp(timeOf(index))?.offset).toBe(BigInt(index))
  },
)
