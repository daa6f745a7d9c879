import { CompressionTypes, Kafka, logLevel, type Producer } from 'kafkajs'

/** What a broker has acknowledged over all of its lives, and what it was asked for when it died. */
export interface Ledger {
  /** Values by topic that must be there once. */
  readonly acknowledged: Map<string, Set<string>>
  /** Values by topic that may be there once: the broker died before it answered. */
  readonly unanswered: Map<string, Set<string>>
  /** By topic: offsets committed by the group, the acknowledged one and the one asked for last. */
  readonly commits: Map<string, { acknowledged: number; attempted: number }>
}

export function newLedger(): Ledger {
  return { acknowledged: new Map(), unanswered: new Map(), commits: new Map() }
}

export const GROUP = 'ledger'
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
 * request has been answered or has failed. `onAcknowledged` is called after each send that was answered, and may kill the broker.
 */
export async function loadUntilDeath(
  bootstrapServers: string,
  round: number,
  topic: string,
  ledger: Ledger,
  onAcknowledged: () => void,
): Promise<void> {
  const kafka = clientOf(bootstrapServers)
  const admin = kafka.admin()
  const producers: Producer[] = []
  let isAlive = true
  const untilDeath = async (step: (turn: number) => Promise<void>) => {
    for (let turn = 0; isAlive; turn++) {
      try {
        await step(turn)
      } catch {
        isAlive = false
      }
    }
  }
  const sender = async (index: number) => {
    const producer = kafka.producer({
      idempotent: index % 2 === 1,
      maxInFlightRequests: 1,
      retry: { retries: 0 },
    })
    producers.push(producer)
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
  const committer = () =>
    untilDeath(async () => {
      const offset = (ledger.commits.get(topic)?.attempted ?? 0) + 1
      const commit = { acknowledged: ledger.commits.get(topic)?.acknowledged ?? -1, attempted: offset }
      ledger.commits.set(topic, commit)
      await admin.setOffsets({
        groupId: GROUP,
        topic,
        partitions: [{ partition: 0, offset: String(offset) }],
      })
      commit.acknowledged = offset
    })
  try {
    await admin.connect()
    await Promise.all([...Array.from({ length: SENDERS }, (_, index) => sender(index)), committer()])
  } catch {
    // It died before everybody had connected.
  } finally {
    await Promise.all([admin, ...producers].map((client) => client.disconnect().catch(() => {})))
  }
}
