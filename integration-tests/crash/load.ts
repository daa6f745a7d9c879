import { CompressionTypes, Kafka, logLevel } from 'kafkajs'
import { CommitConnection } from './commit-connection.ts'

/** What a broker has acknowledged over all of its lives, and what it was asked for when it died. */
export interface Ledger {
  /** Values by topic that must be there once. */
  readonly acknowledged: Map<string, Set<string>>
  /** Values by topic that may be there once: the broker died before it answered. */
  readonly unanswered: Map<string, Set<string>>
  /** By topic: offsets committed by the group, the acknowledged one and the one asked for last. */
  readonly commits: Map<string, { acknowledged: number; attempted: number }>
  /** Topics that were created and deleted under load. `unknown`: the broker died before it answered. */
  readonly topics: Map<string, 'created' | 'deleted' | 'unknown'>
}

export function newLedger(): Ledger {
  return { acknowledged: new Map(), unanswered: new Map(), commits: new Map(), topics: new Map() }
}

export const GROUP = 'ledger'
/** Topics created under load have this many partitions. */
export const PARTITIONS_UNDER_LOAD = 2
const TOPICS_PER_ROUND = 25
const SENDERS = 3

/** The values of a topic in one of the two books. */
export function valuesOf(book: Map<string, Set<string>>, topic: string): Set<string> {
  let values = book.get(topic)
  if (!values) {
    values = new Set()
    book.set(topic, values)
  }
  return values
}

/** Name of the topic that is created under load. */
export function topicUnderLoad(round: number, turn: number): string {
  return `load-${round}-${turn}`
}

export function clientOf(bootstrapServers: string): Kafka {
  return new Kafka({
    clientId: 'crash-test',
    brokers: [bootstrapServers],
    logLevel: logLevel.NOTHING,
    // What was not answered is not sent again: it must not come twice.
    retry: { retries: 0 },
    connectionTimeout: 5000,
    requestTimeout: 10_000,
  })
}

/**
 * Sends, commits and creates topics until the broker dies, and keeps the books. Half of the senders are idempotent. Resolves once every
 * request has been answered or has failed, with what failed first. `onAcknowledged` is called after each send that was answered, and may
 * kill the broker.
 */
export async function loadUntilDeath(
  bootstrapServers: string,
  round: number,
  topic: string,
  ledger: Ledger,
  onAcknowledged: () => void,
): Promise<unknown> {
  const kafka = clientOf(bootstrapServers)
  const admin = kafka.admin()
  const clients: { disconnect(): Promise<void> }[] = [admin]
  let isAlive = true
  let failure: unknown
  const untilDeath = async (step: (turn: number) => Promise<void>, turns = Number.POSITIVE_INFINITY) => {
    for (let turn = 0; isAlive && turn < turns; turn++) {
      try {
        await step(turn)
      } catch (error) {
        failure ??= error
        isAlive = false
      }
    }
  }
  const sender = async (index: number) => {
    const producer = kafka.producer({
      idempotent: index % 2 === 1,
      maxInFlightRequests: 1,
      // kafkajs wants an idempotent producer to try again; the broker sees to it that nothing comes twice.
      retry: { retries: index % 2, initialRetryTime: 10 },
    })
    clients.push(producer)
    await producer.connect()
    await untilDeath(async (turn) => {
      const values = Array.from({ length: 1 + (turn % 20) }, (_, at) => `${round}/${index}/${turn}/${at}`)
      const open = valuesOf(ledger.unanswered, topic)
      for (const value of values) open.add(value)
      await producer.send({
        topic,
        acks: -1,
        compression: turn % 3 === 0 ? CompressionTypes.GZIP : CompressionTypes.None,
        messages: values.map((value) => ({ value })),
      })
      const done = valuesOf(ledger.acknowledged, topic)
      for (const value of values) {
        open.delete(value)
        done.add(value)
      }
      onAcknowledged()
    })
  }
  const committer = async () => {
    const connection = await CommitConnection.open(bootstrapServers)
    clients.push(connection)
    await untilDeath(async () => {
      const offset = (ledger.commits.get(topic)?.attempted ?? 0) + 1
      const commit = { acknowledged: ledger.commits.get(topic)?.acknowledged ?? -1, attempted: offset }
      ledger.commits.set(topic, commit)
      await connection.commit(GROUP, topic, offset)
      commit.acknowledged = offset
    })
  }
  /** Creates topics, and deletes every third; the first one stays. */
  const creator = () =>
    untilDeath(async (turn) => {
      const created = topicUnderLoad(round, turn)
      ledger.topics.set(created, 'unknown')
      await admin.createTopics({ topics: [{ topic: created, numPartitions: PARTITIONS_UNDER_LOAD }] })
      ledger.topics.set(created, 'created')
      if (turn % 3 !== 1) return
      ledger.topics.set(created, 'unknown')
      await admin.deleteTopics({ topics: [created] })
      ledger.topics.set(created, 'deleted')
    }, TOPICS_PER_ROUND)
  try {
    await admin.connect()
    await Promise.all([
      ...Array.from({ length: SENDERS }, (_, index) => sender(index)),
      committer(),
      creator(),
    ])
  } catch (error) {
    // It died before everybody had connected.
    failure ??= error
    isAlive = false
  } finally {
    await Promise.all(clients.map((client) => client.disconnect().catch(() => {})))
  }
  return failure
}
