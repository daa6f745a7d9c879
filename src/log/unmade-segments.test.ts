import { expect, test } from 'vitest'
import { SimulatedFiles } from '../platform/simulated-files.ts'
import { SimulatedRandom } from '../platform/simulated-random.ts'
import { append, openStorage, readAll, settle, topicConfig, values } from './test-support/storage.ts'

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]
/** An append may fail behind making the segment's place and in front of making its file. */
const CALLS = [4, 5, 6, 7]

test.each(SEEDS)('what was flushed behind a first append that failed stays (%i)', async (seed) => {
  for (const call of CALLS) {
    const files = new SimulatedFiles(new SimulatedRandom(seed))
    files.hasJournal = false
    const config = topicConfig({ 'flush.ms': 10 })
    const { partition, clock } = await openStorage(config, files)
    files.failAt(call, { count: 1, code: 'ENOSPC' })
    expect(() => append(partition, 'a')).toThrow()
    await settle()
    append(partition, 'b')
    clock.advance(10)
    await settle()
    expect(partition.log.recoveryPoint).toBe(1n)
    files.losePower()
    const after = await openStorage(config, files)
    expect(values(await readAll(after.partition))).toEqual(['b'])
  }
})
