import type { Kafka } from 'kafkajs'
import { GROUP, type Ledger, PARTITIONS_UNDER_LOAD, valuesOf } from './load.ts'

/** Reads a topic from its start to its end and compares it, and the group's offset, with the books. Sentences, one for each thing that is wrong. */
export async function problemsOf(kafka: Kafka, topic: string, ledger: Ledger): Promise<string[]> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    const counts = await countValues(kafka, topic, await admin.fetchTopicOffsets(topic))
    const problems: string[] = []
    const acknowledged = valuesOf(ledger.acknowledged, topic)
    const unanswered = valuesOf(ledger.unanswered, topic)
    for (const value of acknowledged) {
      const count = counts.get(value) ?? 0
      if (count !== 1) problems.push(`${topic}: the acknowledged ${value} is there ${count} times`)
    }
    for (const [value, count] of counts) {
      if (acknowledged.has(value)) continue
      if (!unanswered.has(value)) problems.push(`${topic}: nobody sent ${value}`)
      else if (count > 1) problems.push(`${topic}: ${value} is there ${count} times`)
    }
    problems.push(...(await commitProblems(admin, topic, ledger)), ...(await topicProblems(admin, ledger)))
    return problems
  } finally {
    await admin.disconnect()
  }
}

async function topicProblems(admin: ReturnType<Kafka['admin']>, ledger: Ledger): Promise<string[]> {
  const { topics } = await admin.fetchTopicMetadata()
  const partitions = new Map(topics.map((each) => [each.name, each.partitions.length]))
  const problems: string[] = []
  for (const [name, state] of ledger.topics) {
    const count = partitions.get(name)
    if (state === 'created' && count === undefined) problems.push(`${name} was created and is not there`)
    if (state === 'deleted' && count !== undefined) problems.push(`${name} was deleted and is there`)
    if (count !== undefined && count !== PARTITIONS_UNDER_LOAD)
      problems.push(`${name} has ${count} partitions`)
  }
  return problems
}

async function commitProblems(
  admin: ReturnType<Kafka['admin']>,
  topic: string,
  ledger: Ledger,
): Promise<string[]> {
  const commit = ledger.commits.get(topic)
  if (!commit) return []
  const [fetched] = await admin.fetchOffsets({ groupId: GROUP, topics: [topic] })
  const offset = Number(fetched?.partitions.find(({ partition }) => partition === 0)?.offset ?? -1)
  if (offset >= commit.acknowledged && offset <= commit.attempted) return []
  return [
    `${topic}: offset ${commit.acknowledged} was committed, ${commit.attempted} was asked for last, and ${offset} is there`,
  ]
}

type Offsets = Awaited<ReturnType<ReturnType<Kafka['admin']>['fetchTopicOffsets']>>

/** How often each value is there. Waits for the last record of each partition, not for a time. */
async function countValues(kafka: Kafka, topic: string, offsets: Offsets): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  const missing = new Map(
    offsets
      .filter(({ low, high }) => BigInt(low) < BigInt(high))
      .map(({ partition, high }) => [partition, BigInt(high) - 1n] as const),
  )
  if (missing.size === 0) return counts
  const consumer = kafka.consumer({
    groupId: `verify-${topic}-${process.hrtime.bigint()}`,
    retry: { retries: 0 },
  })
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
      consumer
        .run({
          autoCommit: false,
          eachMessage: async ({ partition, message }) => {
            const value = message.value?.toString() ?? 'null'
            counts.set(value, (counts.get(value) ?? 0) + 1)
            const last = missing.get(partition)
            if (last !== undefined && BigInt(message.offset) >= last) missing.delete(partition)
            if (missing.size === 0) resolve()
          },
        })
        .catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
  return counts
}
