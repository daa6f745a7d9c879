import { describe, expect, test } from 'vitest'
import type { Files } from '../platform/platform.ts'
import { imageRecords } from './image-records.ts'
import type { MetadataImage } from './metadata-image.ts'
import { listSnapshots, readSnapshot } from './metadata-snapshot.ts'
import { METADATA_FOLDER, MetadataHarness, newTopic } from './test-support/metadata-harness.ts'

const BYTES = 'metadata.log.max.record.bytes.between.snapshots'
const INTERVAL = 'metadata.log.max.snapshot.interval.ms'

const names = (files: Files) =>
  files
    .list(METADATA_FOLDER)
    .map(({ name }) => name)
    .filter((name) => name.includes('checkpoint') && !name.startsWith('leader'))
    .sort()

function contents(image: MetadataImage) {
  return Array.from(imageRecords(image), ({ codec, message }) => ({ name: codec.name, message }))
}

/** Resolves when what has been begun in the background is done: writing goes on in microtasks only, with files in memory. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await undefined
}

async function start(properties: Record<string, string>, files?: Files): Promise<MetadataHarness> {
  const harness = await MetadataHarness.start({ properties, ...(files ? { files } : {}) })
  await settled()
  return harness
}

describe('a snapshot of the metadata is written', () => {
  test('when the log has grown by so many bytes, and holds what the image does', async () => {
    const harness = await start({ [BYTES]: '5000', [INTERVAL]: '0' })
    const { controller, files, image } = harness
    controller.createTopic(newTopic('a', { partitions: 10 }))
    await settled()
    expect(names(files)).toEqual([])
    controller.createTopic(newTopic('b', { partitions: 60 }))
    await settled()
    const [snapshot] = listSnapshots(files, METADATA_FOLDER)
    expect(snapshot).toMatchObject({ endOffset: image.lastAppliedOffset + 1n, epoch: 1 })
    expect(names(files)).toHaveLength(1)
    const records = readSnapshot(files, snapshot!).flatMap((batch) => batch.records)
    expect(records.map(({ codec, message }) => ({ name: codec.name, message }))).toEqual(contents(image))
    controller.createTopic(newTopic('c'))
    await harness.stop()
    expect(names(files)).toHaveLength(1)
    const next = await start({}, files)
    expect([...next.image.topics.keys()]).toEqual(['a', 'b', 'c'])
  })

  test('when the interval is over, if there was something new', async () => {
    const harness = await start({ [INTERVAL]: '60000' })
    const { clock, files, controller } = harness
    clock.advance(59_999)
    await settled()
    expect(names(files)).toEqual([])
    clock.advance(1)
    await settled()
    expect(names(files)).toHaveLength(1)
    clock.advance(120_000)
    await settled()
    expect(names(files)).toHaveLength(1)
    controller.createTopic(newTopic('a'))
    clock.advance(60_000)
    await settled()
    expect(names(files)).toHaveLength(2)
  })

  test('not while a transaction of the log is open, and not half', async () => {
    const harness = await start({ [BYTES]: '1', [INTERVAL]: '0' })
    const { files } = harness
    // The records of a new cluster are a transaction; each snapshot since then is whole.
    for (const snapshot of listSnapshots(files, METADATA_FOLDER)) {
      const records = readSnapshot(files, snapshot).flatMap((batch) => batch.records)
      expect(records.length).toBeGreaterThan(6)
    }
    expect(names(files).length).toBeGreaterThan(0)
    files.replace(`${METADATA_FOLDER}/00000000000000000999-0000000001.checkpoint.part`, 'half')
    await harness.stop()
    const next = await start({}, files)
    expect(names(next.files).filter((name) => name.endsWith('.part'))).toEqual([])
  })
})

describe('old snapshots, and the log that the next one covers, go', () => {
  const small = { [BYTES]: '3000', [INTERVAL]: '0', 'internal.metadata.log.segment.bytes': '4000' }

  /** Creates and deletes topics until the log has been through many segments. */
  async function churn({ controller, image, clock }: MetadataHarness, rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      controller.createTopic(newTopic('churned', { partitions: 20 }))
      controller.deleteTopics([image.topic('churned')!.topicId])
      clock.advance(1000)
      await settled()
    }
  }

  test('when they are more than metadata.max.retention.bytes', async () => {
    const harness = await start({ ...small, 'metadata.max.retention.bytes': '20000' })
    const { controller, files, metadataLog } = harness
    controller.createTopic(newTopic('kept', { partitions: 3 }))
    await churn(harness, 60)
    const { log } = metadataLog
    const snapshots = listSnapshots(files, METADATA_FOLDER)
    expect(snapshots.length).toBeGreaterThan(1)
    expect(log.logStartOffset).toBe(snapshots[0]!.endOffset)
    expect(log.sizeInBytes).toBeLessThan(20_000)
    await harness.stop()
    const next = await start({}, files)
    expect(contents(next.image).filter(({ name }) => name === 'TopicRecord')).toHaveLength(1)
    expect(next.image.topic('kept')!.partitions).toHaveLength(3)
  })

  test('when they are older than metadata.max.retention.ms; the newest always stays', async () => {
    const harness = await start({ ...small, 'metadata.max.retention.ms': '60000' })
    await churn(harness, 20)
    const before = names(harness.files).length
    harness.clock.advance(1_000_000)
    await churn(harness, 3)
    expect(before).toBeGreaterThan(3)
    expect(names(harness.files).length).toBeLessThan(4)
    expect(names(harness.files).length).toBeGreaterThan(0)
  })

  test('and stay otherwise', async () => {
    const harness = await start(small)
    await churn(harness, 20)
    const { log } = harness.metadataLog
    expect(log.logStartOffset).toBe(0n)
    expect(names(harness.files).length).toBeGreaterThan(5)
  })
})
