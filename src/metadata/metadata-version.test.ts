import { describe, expect, test } from 'vitest'
import { ApiError } from '../protocol/error-code.ts'
import { type ConfigRecord, UserScramCredentialRecord } from '../protocol/generated/metadata-records.ts'
import { bootstrapRecords } from './bootstrap.ts'
import { encodeMetadataRecords, type MetadataRecord, metadataRecord } from './metadata-record.ts'
import { encodeSnapshot, readSnapshot } from './metadata-snapshot.ts'
import { isLossyDowngrade, recordsAtLevel } from './metadata-version.ts'
import { partitionChange } from './partition-change.ts'
import { brokerRegistration, controllerRegistration, nothingCordoned, unfenced } from './registration.ts'
import { DIRECTORY_ID, formattedDirectory } from './test-support/formatted-directory.ts'
import { METADATA_FOLDER, MetadataHarness, newTopic } from './test-support/metadata-harness.ts'

const UPGRADE = 1
const SAFE_DOWNGRADE = 2
const TOPIC_ID = 'b8tRS7h4TJ2Vt43Dp85v2A'

const nameOf = ({ codec, version }: MetadataRecord) => `${codec.name.replace('Record', '')} ${version}`

/** Versions of the records that a cluster of this level writes at its start and for a topic. */
async function writtenAt(level: number): Promise<string[][]> {
  const files = formattedDirectory({ levels: { 'metadata.version': level } })
  const harness = await MetadataHarness.start({ files })
  await harness.controller.createTopics([newTopic('t')])
  await harness.stop()
  return harness.written()
}

describe('what a cluster writes is what brokers of its metadata.version can read', () => {
  test('3.3: no transactions, no controllers, no directories', async () => {
    expect(await writtenAt(7)).toEqual([
      ['leader 1'],
      ['FeatureLevel 0'],
      ['RegisterBroker 1'],
      ['BrokerRegistrationChange 0'],
      ['Topic 0', 'Partition 0'],
    ])
  })

  test('3.7', async () => {
    expect(await writtenAt(19)).toEqual([
      ['leader 1'],
      ['BeginTransaction 0', 'FeatureLevel 0', 'EndTransaction 0'],
      ['RegisterController 0'],
      ['RegisterBroker 3'],
      ['BrokerRegistrationChange 0'],
      ['Topic 0', 'Partition 1'],
    ])
  })

  test('the newest', async () => {
    expect((await writtenAt(30)).slice(2)).toEqual([
      ['RegisterController 0'],
      ['RegisterBroker 4'],
      ['BrokerRegistrationChange 3'],
      ['BrokerRegistrationChange 0'],
      ['Topic 0', 'Partition 2'],
    ])
  })

  test('every record can be written at every level', () => {
    const broker = {
      brokerId: 1,
      incarnationId: TOPIC_ID,
      endpoints: [],
      rack: null,
      directoryId: DIRECTORY_ID,
    }
    const change = { isr: [1], directories: [DIRECTORY_ID], eligibleLeaderReplicas: [2], lastKnownElr: [3] }
    const records = [
      controllerRegistration(1, TOPIC_ID),
      brokerRegistration(broker, 4n),
      nothingCordoned(1, 4n),
      unfenced(1, 4n),
      partitionChange(TOPIC_ID, 0, change),
    ]
    const levels = Array.from({ length: 24 }, (_, i) => i + 7)
    const written = new Set<string>()
    for (const level of levels) {
      const atLevel = recordsAtLevel(records, level)
      for (const record of atLevel) written.add(nameOf(record))
      expect(encodeMetadataRecords(atLevel)).toHaveLength(atLevel.length)
    }
    expect([...written].filter((name) => name.startsWith('PartitionChange')).sort()).toEqual([
      'PartitionChange 0',
      'PartitionChange 1',
      'PartitionChange 2',
    ])
  })

  test('a snapshot', async () => {
    const files = formattedDirectory({ levels: { 'metadata.version': 7 } })
    const harness = await MetadataHarness.start({ files })
    await harness.controller.createTopics([newTopic('t')])
    await harness.stop()
    const path = `${METADATA_FOLDER}/written`
    files.replace(path, Buffer.concat([...encodeSnapshot(harness.image, 1n, 2)]))
    const batches = readSnapshot(files, { path, endOffset: 1n, epoch: 1 })
    expect(batches.flatMap(({ records }) => records.map(nameOf))).toEqual([
      'FeatureLevel 0',
      'RegisterBroker 1',
      'Topic 0',
      'Partition 0',
    ])
  })
})

describe('a directory that was formatted and not yet used', () => {
  test('begins with the levels and users that its tool was told', async () => {
    const credential = { salt: Buffer.from('s'), storedKey: Buffer.from('k'), serverKey: Buffer.from('v') }
    const user = { name: 'alice', mechanism: 1, iterations: 4096, ...credential }
    const files = formattedDirectory({
      levels: { 'metadata.version': 25, 'group.version': 1 },
      records: [metadataRecord(UserScramCredentialRecord, user)],
    })
    const harness = await MetadataHarness.start({ files })
    const { image } = harness
    expect([...image.features]).toEqual([
      ['metadata.version', 25],
      ['group.version', 1],
    ])
    expect(image.scramCredentials.users()).toContain('alice')
    expect(image.configs('broker', '').size).toBe(0)
    await harness.stop()
  })

  test('is refused when the levels are newer than this software', async () => {
    const files = formattedDirectory({ levels: { 'metadata.version': 31 } })
    await expect(MetadataHarness.start({ files })).rejects.toThrow(
      /its metadata\.version is 31, and only 7 to 30 are supported here/,
    )
  })

  test('a new one begins with the newest levels, and eligible leader replicas make a setting the cluster’s', async () => {
    const harness = await MetadataHarness.start()
    const records = bootstrapRecords([], harness.config)
    expect(records.map(nameOf)).toEqual([
      'BeginTransaction 0',
      ...Array.from({ length: 6 }, () => 'FeatureLevel 0'),
      'Config 0',
      'EndTransaction 0',
    ])
    expect(records.at(-2)!.message as ConfigRecord).toMatchObject({ name: 'min.insync.replicas', value: '1' })
    await harness.stop()
  })
})

describe('another level', () => {
  const update = ({ controller }: MetadataHarness, feature: string, level: number, upgradeType = UPGRADE) =>
    controller.updateFeatures([{ feature, level, upgradeType }])

  test('an upgrade tells what there was no place for before, and from then on writes newer versions', async () => {
    const files = formattedDirectory({ levels: { 'metadata.version': 7 } })
    const harness = await MetadataHarness.start({ files })
    await harness.controller.createTopics([newTopic('old')])
    const from = harness.batches.length
    const { epoch } = harness.image.brokers.get(1)!
    await update(harness, 'metadata.version', 17)
    await update(harness, 'metadata.version', 30)
    await harness.controller.createTopics([newTopic('new')])
    expect(harness.written(from)).toEqual([
      ['FeatureLevel 0'],
      ['RegisterBroker 3', 'RegisterController 0'],
      ['FeatureLevel 0'],
      ['BrokerRegistrationChange 3'],
      ['Topic 0', 'Partition 2'],
    ])
    expect(harness.image.brokers.get(1)).toMatchObject({ epoch, isFenced: false, logDirs: [DIRECTORY_ID] })
    await harness.stop()
    const next = await MetadataHarness.start({ files })
    expect(next.image.metadataVersion).toBe(30)
    expect([...next.image.topics.keys()]).toEqual(['old', 'new'])
    await next.stop()
  })

  test('a downgrade goes as far as nothing is lost', async () => {
    const files = formattedDirectory({ levels: { 'metadata.version': 29 } })
    const harness = await MetadataHarness.start({ files })
    await update(harness, 'metadata.version', 23, SAFE_DOWNGRADE)
    expect(harness.image.metadataVersion).toBe(23)
    await expect(update(harness, 'metadata.version', 22, SAFE_DOWNGRADE)).rejects.toThrow(
      'Unsupported metadata.version downgrade from 23 to 22. Refusing to perform the requested downgrade',
    )
    await expect(update(harness, 'metadata.version', 25, SAFE_DOWNGRADE)).rejects.toThrow(
      "Can't downgrade to a newer version.",
    )
    await harness.stop()
    expect([isLossyDowngrade(22, 17), isLossyDowngrade(17, 16), isLossyDowngrade(30, 29)]).toEqual([
      false,
      true,
      true,
    ])
  })

  test('what needs a newer level is refused', async () => {
    const harness = await MetadataHarness.start({
      files: formattedDirectory({ levels: { 'metadata.version': 7 } }),
    })
    await expect(update(harness, 'eligible.leader.replicas.version', 1)).rejects.toThrow(
      'eligible.leader.replicas.version could not be set to 1 because it depends on metadata.version level 23',
    )
    const upsertion = {
      name: 'a',
      mechanism: 1,
      iterations: 4096,
      salt: Buffer.from('s'),
      saltedPassword: Buffer.from('p'),
    }
    const [outcome] = await harness.controller.alterScramCredentials([], [upsertion])
    expect(outcome!.error).toEqual(new ApiError(35, 'The current metadata.version does not support SCRAM'))
    // In one request with the level that it needs it is no problem.
    await harness.controller.updateFeatures([
      { feature: 'eligible.leader.replicas.version', level: 1, upgradeType: UPGRADE },
      { feature: 'metadata.version', level: 23, upgradeType: UPGRADE },
    ])
    expect(harness.image.features.get('eligible.leader.replicas.version')).toBe(1)
    await harness.stop()
  })
})
