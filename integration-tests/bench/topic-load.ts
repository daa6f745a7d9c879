import { createTopic, deleteTopic, produceUntilTaken } from './admin.ts'
import { FrameClient } from './frame-client.ts'
import type { JobOf, JobResults } from './jobs.ts'
import { buildRecordBatch } from './record-batch-builder.ts'

/** One topic a request: until the answer, and until its partition has taken a record. */
export async function runTopic({
  broker,
  prefix,
  repetitions,
}: JobOf<'topic'>): Promise<JobResults['topic']> {
  const client = await FrameClient.open(broker.host, broker.port)
  const batch = buildRecordBatch([Buffer.from('first')], 'none', Date.now())
  const answeredMs: number[] = []
  const usableMs: number[] = []
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const topic = `${prefix}-${repetition}`
    const startedMs = performance.now()
    await createTopic(client, topic, 1)
    answeredMs.push(performance.now() - startedMs)
    await produceUntilTaken(client, topic, 1, batch)
    usableMs.push(performance.now() - startedMs)
  }
  for (let repetition = 0; repetition < repetitions; repetition++)
    await deleteTopic(client, `${prefix}-${repetition}`)
  client.close()
  return { answeredMs, usableMs }
}
