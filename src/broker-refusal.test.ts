import { describe, expect, test } from 'vitest'
import { Broker } from './broker.ts'
import { BrokerConfig } from './config/broker-config.ts'
import { resourceTypeOf } from './metadata/config-type.ts'
import { type MetadataRecord, metadataRecord } from './metadata/metadata-record.ts'
import { encodeSnapshot, snapshotName } from './metadata/metadata-snapshot.ts'
import { partitionChange } from './metadata/partition-change.ts'
import { appendRecords, appendToMetadata } from './metadata/test-support/stored-metadata.ts'
import { configRecord } from './metadata/topic-operations.ts'
import { silentLogger } from './platform/logger.ts'
import { MemoryFiles } from './platform/memory-files.ts'
import { nodeClock } from './platform/node-clock.ts'
import { nodeNetwork } from './platform/node-network.ts'
import { nodeRandom } from './platform/node-random.ts'
import type { Files } from './platform/platform.ts'
import { buildBatch } from './protocol/batch-builder.ts'
import {
  FeatureLevelRecord,
  NoOpRecord,
  RegisterBrokerRecord,
} from './protocol/generated/metadata-records.ts'
import { TransactionLogKey, TransactionLogValue } from './protocol/generated/transaction-state-records.ts'
import { Writer } from './protocol/writer.ts'

const METADATA = '/data/__cluster_metadata-0'
const OTHER_ID = 'afL81KOKxsRDdoGjif-IIA'

function brokerOn(files: Files, properties: Record<string, string> = {}): Broker {
  const given = { listeners: 'PLAINTEXT://127.0.0.1:0', 'log.dirs': '/data', ...properties }
  const config = BrokerConfig.fromProperties(new Map(Object.entries(given)))
  const platform = { clock: nodeClock(), random: nodeRandom(), files, network: nodeNetwork() }
  return new Broker({ config, platform, logger: silentLogger })
}

/** A directory with topics and records, cleanly stopped, and its last image. */
async function stopped(topics: readonly string[] = ['t']) {
  const files = new MemoryFiles()
  const broker = brokerOn(files)
  await broker.start()
  const records = [{ key: null, value: Buffer.from('v'), headers: [], timestamp: 1n }]
  for (const topic of topics) {
    broker.createTopic(topic, { partitions: 2 })
    broker.services.partitions.get(topic, 0)!.append(buildBatch({ baseOffset: 0n, leaderEpoch: -1, records }))
  }
  const { metadata } = broker.services
  await broker.stop()
  return { files, image: metadata }
}

function contents(files: Files, folder = '/data'): string[] {
  return files
    .list(folder)
    .flatMap(({ name, isDirectory }) =>
      isDirectory
        ? contents(files, `${folder}/${name}`)
        : [`${folder}/${name} ${files.read(`${folder}/${name}`).toString('hex')}`],
    )
    .sort()
}

/** A start fails with this, and has changed nothing. */
async function expectRefused(
  files: Files,
  message: RegExp,
  properties: Record<string, string> = {},
): Promise<void> {
  const before = contents(files)
  await expect(brokerOn(files, properties).start()).rejects.toThrow(message)
  expect(contents(files)).toEqual(before)
}

describe('what cannot be carried over is refused at start, and nothing is touched', () => {
  const feature = (name: string, featureLevel: number) =>
    metadataRecord(FeatureLevelRecord, { name, featureLevel })
  const records: [string, (image: Awaited<ReturnType<typeof stopped>>['image']) => MetadataRecord, RegExp][] =
    [
      [
        'a newer metadata.version',
        () => feature('metadata.version', 31),
        /its metadata\.version is 31, and only 7 to 30 are/,
      ],
      [
        'an unknown feature',
        () => feature('new.feature', 1),
        /its feature new\.feature \(level 1\) is not known here/,
      ],
      [
        'tiered storage',
        () => configRecord(resourceTypeOf('topic'), 't', 'remote.storage.enable', 'true'),
        /its topic t is in tiered storage/,
      ],
      [
        'replicas on other brokers',
        (image) => partitionChange(image.topic('t')!.topicId, 1, { replicas: [1, 2] }),
        /its partition t-1 has replicas on other brokers \(2\)/,
      ],
      [
        'partitions in another directory',
        (image) => partitionChange(image.topic('t')!.topicId, 1, { directories: [OTHER_ID] }),
        /its partition t-1 lies in the directory afL81KOKxsRDdoGjif-IIA, which is not this one/,
      ],
      [
        'several log.dirs',
        (image) =>
          metadataRecord(RegisterBrokerRecord, {
            ...image.registrations.get(1)!,
            logDirs: [OTHER_ID, OTHER_ID],
          }),
        /its broker kept logs in 2 directories \(log\.dirs\)/,
      ],
    ]
  test.each(records)('%s', async (_, record, message) => {
    const { files, image } = await stopped()
    appendRecords(files, image, [record(image)])
    await expectRefused(files, message)
  })

  test('records that came later', async () => {
    const { files, image } = await stopped()
    // Frame 1, type 99, version 0.
    appendToMetadata(files, image, [Buffer.from([1, 99, 0])])
    await expectRefused(files, /its metadata has a record of type 99 version 0, which is not known here/)
  })

  test('a transaction that is open', async () => {
    const { files } = await stopped(['__transaction_state'])
    const state = (status: number) => transactionState('payments', status)
    const log = '/data/__transaction_state-0/00000000000000000000.log'
    files.replace(log, Buffer.concat([files.read(log), state(1)]))
    await expectRefused(files, /its transaction payments is ongoing, and transactions are not supported here/)
  })

  test('share groups', async () => {
    const { files } = await stopped(['__share_group_state'])
    await expectRefused(files, /its __share_group_state holds the state of share groups/)
  })

  test('another node id or cluster id', async () => {
    const { files } = await stopped()
    await expectRefused(files, /\/data belongs to node 1 \(node\.id\), and this is node 2/, {
      'node.id': '2',
    })
  })
})

describe('metadata that cannot be trusted is not served, and not founded anew', () => {
  test('a damaged batch', async () => {
    const { files, image } = await stopped()
    const noOp = metadataRecord(NoOpRecord, {})
    const log = `${METADATA}/${'0'.repeat(20)}.log`
    const bytes = Buffer.from(files.read(log))
    bytes[200]! ^= 1
    files.replace(log, bytes)
    await expectRefused(
      files,
      /00000000000000000000\.log is damaged at byte \d+, offset \d+ \(odradek check tells more\)/,
    )
    // After a crash too, when what follows goes on for longer than anything stays unflushed: this is not what it tore.
    appendRecords(files, image, [noOp], BigInt(Date.now() + 120_000))
    files.remove('/data/.kafka_cleanshutdown')
    await expectRefused(files, /is damaged at byte/)
  })

  test('the log is gone', async () => {
    const { files } = await stopped()
    await files.removeDirectory(METADATA)
    await expectRefused(files, /__cluster_metadata-0 has no log, but there is a partition's folder t-0/)
  })

  test('what a crash tore off the end is no damage', async () => {
    const { files } = await stopped(['t', 'last'])
    const log = `${METADATA}/${'0'.repeat(20)}.log`
    files.replace(log, files.read(log).subarray(0, -5))
    files.remove('/data/.kafka_cleanshutdown')
    const broker = brokerOn(files)
    await broker.start()
    expect([...broker.services.metadata.topics.keys()]).toEqual(['t'])
    await broker.stop()
    const again = brokerOn(files)
    await again.start()
    expect([...again.services.metadata.topics.keys()]).toEqual(['t'])
    await again.stop()
  })

  test('a damaged snapshot does not matter as long as the log has all', async () => {
    const { files, image } = await stopped()
    const path = `${METADATA}/${snapshotName(image.lastAppliedOffset + 1n, 1)}`
    const snapshot = Buffer.concat([...encodeSnapshot(image, 1n, 2)])
    files.replace(path, snapshot.subarray(0, -1))
    const broker = brokerOn(files)
    await broker.start()
    expect(broker.services.metadata.topic('t')!.partitions).toHaveLength(2)
    await broker.stop()
    expect(files.read(path)).toEqual(snapshot.subarray(0, -1))
  })
})

/** A batch of `__transaction_state` behind the one that is there. */
function transactionState(transactionalId: string, transactionStatus: number): Buffer {
  const writer = new Writer()
  const encoded = (version: number, write: () => void) => {
    writer.reset()
    writer.int16(version)
    write()
    return writer.finishCopy()
  }
  const key = encoded(0, () => TransactionLogKey.encode(writer, { transactionalId }, 0))
  const value = encoded(0, () =>
    TransactionLogValue.encode(
      writer,
      {
        producerId: 1n,
        previousProducerId: -1n,
        nextProducerId: -1n,
        nextProducerEpoch: -1,
        producerEpoch: 0,
        transactionTimeoutMs: 1000,
        transactionStatus,
        transactionPartitions: [],
        transactionLastUpdateTimestampMs: 1n,
        transactionStartTimestampMs: 1n,
        clientTransactionVersion: 0,
      },
      0,
    ),
  )
  return buildBatch({ baseOffset: 1n, leaderEpoch: 0, records: [{ key, value, headers: [], timestamp: 1n }] })
}
