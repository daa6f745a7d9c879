import { Kafka, logLevel } from 'kafkajs'
import { createTopic, deleteTopic, produceUntilTaken } from './admin.ts'
import { FrameClient } from './frame-client.ts'
import type { JobOf, JobResults } from './jobs.ts'
import { buildRecordBatch } from './record-batch-builder.ts'

/** kafkajs, with a client and a group that are new each time: from `new Kafka` to the first record. */
export async function runGroup({ broker, topic, repetitions }: JobOf<'group'>): Promise<JobResults['group']> {
  const admin = await FrameClient.open(broker.host, broker.port)
  await createTopic(admin, topic, 1)
  await produceUntilTaken(admin, topic, 1, buildRecordBatch([Buffer.from('first')], 'none', Date.now()))
  const firstRecordMs: number[] = []
  // The first one creates __consumer_offsets and loads code on both sides.
  for (let repetition = 0; repetition <= repetitions; repetition++) {
    const startedMs = performance.now()
    const kafka = new Kafka({ brokers: [`${broker.host}:${broker.port}`], logLevel: logLevel.NOTHING })
    const consumer = kafka.consumer({ groupId: `${topic}-${repetition}` })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
      const eachMessage = () => Promise.resolve(resolve())
      consumer.run({ autoCommit: false, eachMessage }).catch(reject)
    })
    if (repetition > 0) firstRecordMs.push(performance.now() - startedMs)
    await consumer.disconnect()
  }
  await deleteTopic(admin, topic)
  admin.close()
  return { firstRecordMs }
}
