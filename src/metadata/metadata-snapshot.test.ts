import { describe, expect, test } from 'vitest'
import { imageRecords } from './image-records.ts'
import { MetadataImage } from './metadata-image.ts'
import { encodeSnapshot, listSnapshots, readSnapshot, snapshotName } from './metadata-snapshot.ts'
import { METADATA_FOLDER, MetadataHarness, newTopic } from './test-support/metadata-harness.ts'
import { appendRecords, everyKindOfRecord } from './test-support/stored-metadata.ts'

const LOG = `${METADATA_FOLDER}/${'0'.repeat(20)}.log`

/** All that an image says, as the records that bring it about. */
function contents(image: MetadataImage) {
  return Array.from(imageRecords(image), ({ codec, message }) => ({ name: codec.name, message }))
}

/** A cluster with something of every kind, stopped. */
async function fullCluster() {
  const harness = await MetadataHarness.start()
  const { controller, image } = harness
  controller.createTopics([newTopic('a', { partitions: 3 }), newTopic('gone'), newTopic('b')])
  controller.alterConfigs('topic', 'a', new Map([['retention.ms', '5']]))
  controller.deleteTopics([image.topic('gone')!.topicId])
  await harness.stop()
  appendRecords(harness.files, image, everyKindOfRecord(image.topic('a')!.topicId))
  return harness
}

/** The image of what is on disk, without a controller that adds to it. */
async function loadedImage(harness: MetadataHarness): Promise<MetadataImage> {
  const next = await MetadataHarness.start({ files: harness.files })
  await next.stop()
  return next.image
}

/** Puts a snapshot where the log of a stopped cluster stands after so many batches, and forgets the log up to there. */
function cutBehind(harness: MetadataHarness, batchCount: number): void {
  const { files, batches } = harness
  const image = new MetadataImage()
  for (const batch of batches.slice(0, batchCount)) image.replay(batch)
  const log = files.read(LOG)
  let at = 0
  for (let i = 0; i < batchCount; i++) at += 12 + log.readInt32BE(at + 8)
  const end = image.lastAppliedOffset + 1n
  files.removeDirectory(METADATA_FOLDER)
  files.makeDirectory(METADATA_FOLDER)
  files.replace(`${METADATA_FOLDER}/${end.toString().padStart(20, '0')}.log`, log.subarray(at))
  const snapshot = Buffer.concat([...encodeSnapshot(image, 7n, 8)])
  files.replace(`${METADATA_FOLDER}/${snapshotName(end, image.lastAppliedEpoch)}`, snapshot)
}

describe('what a snapshot holds', () => {
  test('an image restored from a snapshot and the rest of the log equals the one from the whole log', async () => {
    const whole = contents(await loadedImage(await fullCluster()))
    const kinds = new Set(whole.map(({ name }) => name))
    expect(kinds).toContain('AccessControlEntryRecord')
    expect(kinds.size).toBe(11)
    const { length } = (await fullCluster()).batches
    for (let count = 1; count <= length; count++) {
      const harness = await fullCluster()
      cutBehind(harness, count)
      const image = await loadedImage(harness)
      expect([count, contents(image)]).toEqual([count, whole])
    }
  })

  test('it is read as it was written, every batch standing for the log up to its end', async () => {
    const { image, files } = await fullCluster()
    const path = `${METADATA_FOLDER}/${snapshotName(42n, 3)}`
    expect(path).toMatch(/\/00000000000000000042-0000000003\.checkpoint$/)
    files.replace(path, Buffer.concat([...encodeSnapshot(image, 7n, 8)]))
    const [file] = listSnapshots(files, METADATA_FOLDER)
    expect(file).toEqual({ path, endOffset: 42n, epoch: 3 })
    const batches = readSnapshot(files, file!)
    expect(batches.map(({ lastOffset, leaderEpoch }) => [lastOffset, leaderEpoch])).toEqual([
      [41n, 3],
      [41n, 3],
      [41n, 3],
    ])
    expect(batches[0]!.control).toEqual({ snapshotTimestamp: 7n })
    const again = new MetadataImage()
    for (const batch of batches) again.replay(batch)
    expect(contents(again)).toEqual(contents(image))
  })

  test('what is damaged or cut off is told apart from what is whole', async () => {
    const { image, files } = await fullCluster()
    const file = { path: `${METADATA_FOLDER}/${snapshotName(42n, 3)}`, endOffset: 42n, epoch: 3 }
    const chunks = [...encodeSnapshot(image, 7n, 8)]
    const problem = (bytes: Buffer) => {
      files.replace(file.path, bytes)
      return () => readSnapshot(files, file)
    }
    expect(problem(Buffer.concat(chunks.slice(0, -1)))).toThrow('is not complete')
    expect(problem(Buffer.concat(chunks.slice(1)))).toThrow('is not complete')
    expect(problem(Buffer.alloc(0))).toThrow('is not complete')
    const flipped = Buffer.concat(chunks)
    flipped[chunks[0]!.length + 100]! ^= 1
    expect(problem(flipped)).toThrow(`is damaged at byte ${chunks[0]!.length}`)
    const cut = Buffer.concat(chunks).subarray(0, chunks[0]!.length + 30)
    expect(problem(cut)).toThrow(`is damaged at byte ${chunks[0]!.length}`)
  })
})

describe('a start', () => {
  test('goes by the log, or an older snapshot, when the newest is damaged', async () => {
    const harness = await fullCluster()
    const whole = contents(await loadedImage(harness))
    const damaged = `${METADATA_FOLDER}/${snapshotName(20n, 1)}`
    harness.files.replace(damaged, 'no snapshot at all, but of some length')
    expect(contents(await loadedImage(harness)).length).toBe(whole.length)
    expect(harness.files.exists(damaged)).toBe(true)
  })

  test('is refused when a log begins late and no snapshot holds what was before: nothing is founded over it', async () => {
    const harness = await fullCluster()
    cutBehind(harness, 7)
    const [snapshot] = listSnapshots(harness.files, METADATA_FOLDER)
    harness.files.replace(snapshot!.path, harness.files.read(snapshot!.path).subarray(0, 100))
    await expect(MetadataHarness.start({ files: harness.files })).rejects.toThrow(
      /checkpoint is damaged at byte 83/,
    )
  })

  test('goes on behind a snapshot that holds more than the log does', async () => {
    const harness = await fullCluster()
    const { image, files } = harness
    const whole = contents(image)
    files.removeDirectory(METADATA_FOLDER)
    files.makeDirectory(METADATA_FOLDER)
    const snapshot = Buffer.concat([...encodeSnapshot(image, 7n, 8)])
    files.replace(`${METADATA_FOLDER}/${snapshotName(500n, 4)}`, snapshot)
    const next = await MetadataHarness.start({ files })
    // The new epoch begins right behind it.
    expect(next.batches.find(({ control }) => control?.leaderId === 1)).toMatchObject({
      baseOffset: 500n,
      leaderEpoch: 5,
    })
    await next.stop()
    expect(contents(await loadedImage(next)).length).toBe(whole.length)
  })
})
