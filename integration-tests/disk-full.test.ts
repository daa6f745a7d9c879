import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ZERO_UUID } from '../src/protocol/api.ts'
import { buildBatch } from '../src/protocol/batch-builder.ts'
import { ErrorCode } from '../src/protocol/error-code.ts'
import { CreateTopics } from '../src/protocol/generated/create-topics.ts'
import { Produce } from '../src/protocol/generated/produce.ts'
import { ApiConnection } from './client/api-connection.ts'
import { CommitConnection } from './crash/commit-connection.ts'
import { clientOf } from './crash/load.ts'
import { BrokerProcess } from './support/broker-process.ts'
import { clientSuite } from './support/client-suite.ts'

/** A file system so small that a few records fill it. */
const SIZE = '4m'
const VALUE = Buffer.alloc(50_000, 'x')

/** Why no small file system can be had; undefined when it can. */
function missingMount(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-mount-'))
  try {
    mount(folder)
    execFileSync('umount', [folder], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'mounting a tmpfs takes Linux and root'
  } finally {
    rmdirSync(folder)
  }
}

function mount(folder: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', folder], { stdio: 'ignore' })
}

clientSuite('a file system that is full', missingMount(), () => {
  let folder: string
  let broker: BrokerProcess
  let connection: ApiConnection

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'odradek-full-'))
    mount(folder)
    broker = await BrokerProcess.start({
      data: join(folder, 'data'),
      properties: ['offsets.topic.num.partitions=1', 'group.initial.rebalance.delay.ms=0'],
    })
    connection = await ApiConnection.open(broker.bootstrapServers)
  })

  afterAll(async () => {
    connection?.close()
    await broker?.kill()
    execFileSync('umount', [folder], { stdio: 'ignore' })
    rmdirSync(folder)
  })

  async function create(name: string): Promise<number> {
    const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    const request = { topics: [topic], timeoutMs: 5000, validateOnly: false }
    return (await connection.ask(CreateTopics, 4, request)).topics[0]!.errorCode
  }

  async function produce(value: Buffer): Promise<number> {
    const timestamp = BigInt(Date.now())
    const records = buildBatch({
      baseOffset: 0n,
      leaderEpoch: -1,
      records: [{ key: null, value, headers: [], timestamp }],
    })
    const topicData = [{ name: 't', topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }]
    const request = { transactionalId: null, acks: -1, timeoutMs: 5000, topicData }
    return (await connection.ask(Produce, 7, request)).responses[0]!.partitionResponses[0]!.errorCode
  }

  /** Sizes of all values of the topic. */
  async function sizesRead(count: number): Promise<number[]> {
    const sizes: number[] = []
    const consumer = clientOf(broker.bootstrapServers).consumer({ groupId: `read-${count}` })
    await consumer.connect()
    try {
      await consumer.subscribe({ topic: 't', fromBeginning: true })
      await new Promise<void>((resolve, reject) => {
        consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
        void consumer.run({
          autoCommit: false,
          eachMessage: async ({ message }) => {
            if (sizes.push(message.value!.length) >= count) resolve()
          },
        })
      })
    } finally {
      await consumer.disconnect()
    }
    return sizes
  }

  test('refuses producers, lets consumers read, and goes on when there is room; the log says both once', async () => {
    expect(await create('t')).toBe(0)
    const commits = await CommitConnection.open(broker.bootstrapServers)
    await commits.commit('g', 't', 1)
    const ballast = join(folder, 'ballast')
    writeFileSync(ballast, Buffer.alloc(1_000_000))
    let taken = 0
    while ((await produce(VALUE)) === 0) taken++
    // To the last byte: a small batch finds no room either.
    const { bavail, bsize } = statfsSync(folder)
    writeFileSync(join(folder, 'rest'), Buffer.alloc(bavail * bsize))
    expect(taken).toBeGreaterThan(10)
    for (let attempt = 0; attempt < 5; attempt++)
      expect(await produce(VALUE)).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(await sizesRead(taken)).toEqual(Array(taken).fill(VALUE.length))
    rmSync(ballast)
    expect(await produce(VALUE)).toBe(0)
    await commits.commit('g', 't', 2)
    await commits.disconnect()
    expect(await sizesRead(taken + 1)).toEqual(Array(taken + 1).fill(VALUE.length))
    await expect.poll(() => broker.log, { timeout: 10_000 }).toContain('files can be written again')
    expect(broker.log.match(/cannot append/g)).toHaveLength(1)
    expect(await broker.stop()).toBe(0)
  })
})
