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

test(`${SEEDS} times ${LIVES} losses of power at any moment: what was answered is there`, async () => {
  let cutLogs = 0
  let unanswered = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new SimulatedRandom(seed)
    const files = new SimulatedFiles(random)
    files.hasJournal = seed % 2 === 0
    const clock = new ManualClock()
    /** Partitions by topic, as answered. */
    const answered = new Map<string, number>()
    for (let life = 0; life < LIVES; life++) {
      files.complete = queueMicrotask
      const { controller, image, metadataLog } = await MetadataHarness.start({
        files,
        properties,
        clock,
        random,
      })
      for (const [name, partitions] of answered) {
        expect([seed, life, name, image.topic(name)?.partitions.length]).toEqual([
          seed,
          life,
          name,
          partitions,
        ])
      }
      let isAlive = true
      files.complete = (task) => void clock.schedule(random.integer(20), () => isAlive && task())
      let open = 0
      const turns = 1 + random.integer(25)
      for (let turn = 0; turn < turns; turn++) {
        const [name, partitions] = [`t-${life}-${turn}`, 1 + random.integer(6)]
        const creation = controller.createTopic(newTopic(name, { partitions }))
        open++
        creation.then(
          () => {
            open--
            answered.set(name, partitions)
          },
          () => {},
        )
        const tooMany = [...image.topics.values()].slice(0, -5)
        // Whether they are gone nobody knows before the answer.
        for (const topic of tooMany) answered.delete(topic.name)
        controller.deleteTopics(tooMany.map(({ topicId }) => topicId)).catch(() => {})
        if (random.integer(3) === 0) clock.advance(random.integer(30))
        await settle()
      }
      isAlive = false
      unanswered += open
      if (metadataLog.log.logStartOffset > 0n) cutLogs++
      files.losePower()
    }
    expect(listSnapshots(files, METADATA_FOLDER).length).toBeGreaterThan(0)
  }
  // Power was lost in front of answers, and the beginning of the log was gone in most of them.
  expect(unanswered).toBeGreaterThan(SEEDS)
  expect(cutLogs).toBeGreaterThan(SEEDS)
})
