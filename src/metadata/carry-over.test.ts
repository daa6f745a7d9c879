import { describe, expect, test } from 'vitest'
import { DATA } from '../log/test-support/storage.ts'
import type { Files } from '../platform/platform.ts'
import type { RecordCodec } from '../protocol/api.ts'
import { buildBatch } from '../protocol/batch-builder.ts'
import type { CompressionName } from '../protocol/compression/compression.ts'
import { RegisterBrokerRecord, ZkMigrationStateRecord } from '../protocol/generated/metadata-records.ts'
import { ShareGroupMetadataKey } from '../protocol/generated/share-group-records.ts'
import { StreamsGroupMetadataKey } from '../protocol/generated/streams-group-records.ts'
import { Writer } from '../protocol/writer.ts'
import { metadataRecord } from './metadata-record.ts'
import { METADATA_FOLDER, MetadataHarness, newTopic } from './test-support/metadata-harness.ts'
import { appendRecords } from './test-support/stored-metadata.ts'

const VALUE = Buffer.from('value')

/** A cluster with one of the broker's own topics, stopped. */
async function stopped(topic = '__consumer_offsets') {
  const harness = await MetadataHarness.start()
  await harness.controller.createTopics([newTopic(topic)])
  await harness.stop()
  return harness
}

function groupKey(codec: RecordCodec<{ groupId: string }>, groupId: string): Buffer {
  const writer = new Writer()
  writer.int16(codec.key)
  codec.encode(writer, { groupId }, 0)
  return writer.finishCopy()
}

/** Writes records to partition 0 of a topic that nobody has open. */
function append(
  files: Files,
  topic: string,
  records: readonly (readonly [key: Buffer, value: Buffer | null])[],
  compression: CompressionName = 'none',
) {
  const folder = `${DATA}/${topic}-0`
  const batch = buildBatch({
    baseOffset: 0n,
    leaderEpoch: 0,
    compression,
    records: records.map(([key, value]) => ({ key, value, headers: [], timestamp: 1n })),
  })
  files.makeDirectory(folder)
  files.replace(`${folder}/${'0'.repeat(20)}.log`, batch)
}

describe('groups that have no coordinator here', () => {
  test.each([
    ['share', groupKey(ShareGroupMetadataKey, 'readers')],
    ['streams', groupKey(StreamsGroupMetadataKey, 'readers')],
  ])('a %s group is refused as long as it is there', async (kind, key) => {
    const { files } = await stopped()
    append(files, '__consumer_offsets', [[key, VALUE]])
    await expect(MetadataHarness.start({ files })).rejects.toThrow(
      `/data cannot be taken up: its group readers is a ${kind} group, and those are not supported here`,
    )
    append(files, '__consumer_offsets', [
      [key, VALUE],
      [key, null],
    ])
    const harness = await MetadataHarness.start({ files })
    await harness.stop()
  })

  test('also in a segment that a crash left in the midst of a swap', async () => {
    const { files } = await stopped()
    append(files, '__consumer_offsets', [[groupKey(ShareGroupMetadataKey, 'readers'), VALUE]])
    const log = `${DATA}/__consumer_offsets-0/${'0'.repeat(20)}.log`
    files.rename(log, `${log}.swap`)
    await expect(MetadataHarness.start({ files })).rejects.toThrow('its group readers is a share group')
  })

  test('also in a batch that is compressed', async () => {
    const { files } = await stopped()
    append(files, '__consumer_offsets', [[groupKey(ShareGroupMetadataKey, 'readers'), VALUE]], 'gzip')
    await expect(MetadataHarness.start({ files })).rejects.toThrow('its group readers is a share group')
  })

  test('state of share groups that was removed does not matter', async () => {
    const { files } = await stopped('__share_group_state')
    const sharePartition = 'group, topic and partition'
    const [snapshot, update] = [`\0\0${sharePartition}`, `\0\x01${sharePartition}`].map((key) =>
      Buffer.from(key),
    )
    append(files, '__share_group_state', [
      [snapshot!, VALUE],
      [update!, VALUE],
    ])
    await expect(MetadataHarness.start({ files })).rejects.toThrow('holds the state of share groups')
    append(files, '__share_group_state', [
      [snapshot!, VALUE],
      [update!, VALUE],
      [snapshot!, null],
    ])
    const harness = await MetadataHarness.start({ files })
    await harness.stop()
  })
})

test('control records that came later', async () => {
  const { files, image } = await stopped()
  const log = `${METADATA_FOLDER}/${'0'.repeat(20)}.log`
  const records = [{ key: Buffer.from([0, 0, 0, 9]), value: Buffer.alloc(4), headers: [], timestamp: 1n }]
  const baseOffset = image.lastAppliedOffset + 1n
  const batch = buildBatch({ baseOffset, leaderEpoch: 1, isControl: true, records })
  files.replace(log, Buffer.concat([files.read(log), batch]))
  await expect(MetadataHarness.start({ files })).rejects.toThrow(
    'its metadata has a control record of type 9 version 0, which is not known here',
  )
})

describe('a cluster that is not whole with this node', () => {
  test('other brokers', async () => {
    const { files, image } = await stopped()
    appendRecords(files, image, [
      metadataRecord(RegisterBrokerRecord, { ...image.registrations.get(1)!, brokerId: 7 }),
    ])
    await expect(MetadataHarness.start({ files })).rejects.toThrow(
      'its cluster has other brokers, the nodes 7,',
    )
  })

  test('a migration from ZooKeeper that goes on, but not one that is over', async () => {
    for (const [state, isRefused] of [
      [0, false],
      [1, true],
      [2, true],
      [3, false],
    ] as const) {
      const { files, image } = await stopped()
      appendRecords(files, image, [metadataRecord(ZkMigrationStateRecord, { zkMigrationState: state })])
      const start = MetadataHarness.start({ files })
      if (isRefused) await expect(start).rejects.toThrow('it is being migrated from ZooKeeper')
      else await (await start).stop()
    }
  })
})
