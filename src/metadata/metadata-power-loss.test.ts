import { expect, test } from 'vitest'
import { ManualClock } from '../platform/manual-clock.ts'
import { SimulatedFiles } from '../platform/simulated-files.ts'
import { SimulatedRandom } from '../platform/simulated-random.ts'
import { listSnapshots } from './metadata-snapshot.ts'
import { METADATA_FOLDER, MetadataHarness, newTopic } from './test-support/metadata-harness.ts'

/** Snapshots and segments so small that both come and go all the time. */
const properties = {
  'metadata.log.max.record.bytes.between.snapshots': '1000',
  'internal.metadata.log.segment.bytes': '4000',
  'metadata.max.retention.bytes': '9000',
}
const SEEDS = 60
const LIVES = 4

const settle = () => new Promise((resolve) => setImmediate(resolve))

test(`${SEEDS} times ${LIVES} losses of power at any moment: what was old enough to be flushed is there`, async () => {
  let cutLogs = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new SimulatedRandom(seed)
    const files = new SimulatedFiles(random)
    const clock = new ManualClock()
    let safe = new Map<string, number>()
    for (let life = 0; life < LIVES; life++) {
      const harness = await MetadataHarness.start({ files, properties, clock })
      const { controller, image } = harness
      for (const [name, partitions] of safe) {
        expect([seed, life, name, image.topic(name)?.partitions.length]).toEqual([
          seed,
          life,
          name,
          partitions,
        ])
      }
      const turns = 1 + random.integer(25)
      for (let turn = 0; turn < turns; turn++) {
        controller.createTopic(newTopic(`t-${life}-${turn}`, { partitions: 1 + random.integer(6) }))
        const tooMany = [...image.topics.values()].slice(0, -5)
        if (tooMany.length > 0) controller.deleteTopics(tooMany.map(({ topicId }) => topicId))
        if (random.integer(3) === 0) await settle()
      }
      // A second and what goes on then: all of it is on the device.
      clock.advance(1000)
      await settle()
      await settle()
      safe = new Map(Array.from(image.topics.values(), (topic) => [topic.name, topic.partitions.length]))
      for (let turn = 0; turn < random.integer(10); turn++) {
        controller.createTopic(newTopic(`lost-${life}-${turn}`, { partitions: 1 + random.integer(6) }))
        if (random.integer(3) === 0) await settle()
      }
      if (harness.metadataLog.log.logStartOffset > 0n) cutLogs++
      files.losePower()
    }
    expect(listSnapshots(files, METADATA_FOLDER).length).toBeGreaterThan(0)
  }
  // The beginning of the log was gone in most of them.
  expect(cutLogs).toBeGreaterThan(SEEDS)
})
