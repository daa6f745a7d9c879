import { describe, expect, test } from 'vitest'
import { DataDirectoryError } from '../log/data-directory.ts'
import type { Files } from '../platform/platform.ts'
import { ZERO_UUID } from '../protocol/api.ts'
import type { ControlFacts, Voter } from './control-record.ts'
import { encodeSnapshot, listSnapshots, readSnapshot, snapshotName } from './metadata-snapshot.ts'
import { formattedDirectory, voter } from './test-support/formatted-directory.ts'
import { METADATA_FOLDER, MetadataHarness, newTopic } from './test-support/metadata-harness.ts'

const UPGRADE = 1
const OTHER_ID = 'afL81KOKxsRDdoGjif-IIA'

/** What the control batches of a start say, in order. */
function controls({ batches }: MetadataHarness): ControlFacts[] {
  return batches.flatMap(({ control }) => control ?? [])
}

function quorumState(files: Files): unknown {
  return JSON.parse(files.read(`${METADATA_FOLDER}/quorum-state`).toString())
}

const upgrade = (harness: MetadataHarness, feature: string, level: number) =>
  harness.controller.updateFeatures([{ feature, level, upgradeType: UPGRADE }])

describe('a directory whose voters stand in the log (KIP-853)', () => {
  const voters = [voter()]

  test('the first leader says in the log who votes, as the snapshot of the format does not last', async () => {
    const files = formattedDirectory({ levels: { 'metadata.version': 30 }, voters })
    const first = await MetadataHarness.start({ files })
    // The batches of the snapshot, then the first of the log.
    expect(controls(first)).toMatchObject([
      { kraftVersion: 1, voters },
      { isSnapshotFooter: true },
      { leaderId: 1 },
    ])
    expect(first.image.quorum).toMatchObject({ kraftVersion: 1, voters })
    expect(quorumState(files)).toEqual({
      leaderId: 1,
      leaderEpoch: 1,
      votedId: -1,
      votedDirectoryId: ZERO_UUID,
      data_version: 1,
    })
    await first.stop()
    for (const { path } of listSnapshots(files, METADATA_FOLDER)) files.remove(path)
    const second = await MetadataHarness.start({ files })
    // Now the log alone: one batch with all three, and the next leader's with nothing but who leads.
    expect(controls(second)).toEqual([
      { leaderId: 1, voterIds: [1], kraftVersion: 1, voters },
      { leaderId: 1 },
    ])
    expect(second.image.quorum).toMatchObject({ kraftVersion: 1, voters })
    await second.stop()
  })

  test('a snapshot tells it beside its header', async () => {
    const files = formattedDirectory({ levels: { 'metadata.version': 30 }, voters })
    const harness = await MetadataHarness.start({ files })
    await harness.controller.createTopics([newTopic('t')])
    await harness.stop()
    const { image } = harness
    const [end, epoch] = [image.lastAppliedOffset + 1n, image.lastAppliedEpoch]
    files.removeDirectory(METADATA_FOLDER)
    files.makeDirectory(METADATA_FOLDER)
    const path = `${METADATA_FOLDER}/${snapshotName(end, epoch)}`
    files.replace(path, Buffer.concat([...encodeSnapshot(image, 7n, 8)]))
    expect(readSnapshot(files, { path, endOffset: end, epoch })[0]!.control).toEqual({
      snapshotTimestamp: 7n,
      kraftVersion: 1,
      voters,
    })
    const next = await MetadataHarness.start({ files })
    expect(next.image.quorum).toMatchObject({ kraftVersion: 1, voters })
    expect([...next.image.topics.keys()]).toEqual(['t'])
    await next.stop()
  })

  const refused: [string, Voter[], RegExp][] = [
    ['several', [voter(), voter(2, OTHER_ID)], /its controllers are the nodes 1, 2, and this node 1/],
    ['another node', [voter(3)], /its controllers are the nodes 3, and this node 1 can only be the one/],
    [
      'this node with another directory',
      [voter(1, OTHER_ID)],
      /its voter is node 1 with the directory afL81KOKxsRDdoGjif-IIA, and meta\.properties says directory\.id=fGzHe/,
    ],
    ['nobody', [], /it tells no voter, so that it waits to be added to a quorum/],
  ]
  test.each(refused)('refused when it is %s', async (_, others, message) => {
    const files = formattedDirectory({ levels: { 'metadata.version': 30 }, voters: others })
    const start = MetadataHarness.start({ files })
    await expect(start).rejects.toThrow(message)
    await expect(start).rejects.toThrow(DataDirectoryError)
  })
})

describe('kraft.version', () => {
  test('is 0 in a new directory, and is raised once and for all', async () => {
    const properties = { 'controller.quorum.voters': '1@broker:29093' }
    const harness = await MetadataHarness.start({ properties })
    const { image, files, directory } = harness
    expect(image.quorum).toMatchObject({ kraftVersion: 0, voters: [] })
    expect(quorumState(files)).toMatchObject({ currentVoters: [{ voterId: 1 }], data_version: 0 })
    await upgrade(harness, 'kraft.version', 1)
    const own = voter(1, directory.directoryId)
    const voters = [{ ...own, endpoints: [{ name: 'CONTROLLER', host: 'broker', port: 29093 }] }]
    expect(image.quorum).toMatchObject({ kraftVersion: 1, voters })
    // It stands in control records, not among the features.
    expect(image.features.has('kraft.version')).toBe(false)
    const end = image.lastAppliedOffset
    await upgrade(harness, 'kraft.version', 1)
    expect(image.lastAppliedOffset).toBe(end)
    const down = harness.controller.updateFeatures([{ feature: 'kraft.version', level: 0, upgradeType: 2 }])
    await expect(down).rejects.toThrow("Can't downgrade the version of this feature.")
    await harness.stop()
    const next = await MetadataHarness.start({ files })
    expect(next.image.quorum).toMatchObject({ kraftVersion: 1, voters })
    expect(quorumState(files)).toMatchObject({ data_version: 1 })
    await next.stop()
  })
})
