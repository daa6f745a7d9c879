import { Produce } from '../../src/protocol/generated/produce.ts'
import { createTopic, endOffsets, PRODUCE, prepareProduce, produceUntilTaken } from './admin.ts'
import { FrameClient } from './frame-client.ts'
import type { JobOf, Throughput } from './jobs.ts'
import { UsageMeter } from './process-usage.ts'
import { prepareBatches } from './workload.ts'

/**
 * Sends prepared batches, several requests in flight on one connection, one batch per partition in a request. Every answer must name
 * the offset that follows from what was sent before; in the end the log must be as long as what was sent.
 */
export async function runProduce({
  broker,
  topic,
  workload,
  requestsInFlight,
}: JobOf<'produce'>): Promise<Throughput> {
  const { batches, recordsPerBatch, batchesPerPartition } = prepareBatches(workload)
  const { partitions, recordBytes } = workload
  const client = await FrameClient.open(broker.host, broker.port)
  await createTopic(client, topic, partitions)
  // The first batch of each partition tells when the topic can be used; it counts as sent.
  await produceUntilTaken(client, topic, partitions, batches[0]!)

  const all = Array.from({ length: partitions }, (_, index) => index)
  const requests = batches.map((batch) => prepareProduce(topic, all, batch))
  const meter = new UsageMeter(broker.pid)
  await new Promise<void>((resolve, reject) => {
    client.onFailure = reject
    let sent = 1
    let answered = 1
    const send = () => {
      const batch = sent++
      client.send(requests[batch % requests.length]!, (body) => {
        const { responses } = Produce.response.decode(body, PRODUCE)
        const rows = responses[0]!.partitionResponses
        if (rows.length !== partitions) throw new Error(`${rows.length} of ${partitions} partitions answered`)
        for (const { index, errorCode, baseOffset } of rows) {
          if (errorCode !== 0) throw new Error(`${topic}-${index} answers error ${errorCode}`)
          if (Number(baseOffset) !== batch * recordsPerBatch)
            throw new Error(`${topic}-${index}: batch ${batch} got offset ${baseOffset}`)
        }
        if (++answered >= batchesPerPartition) resolve()
        else if (sent < batchesPerPartition) send()
      })
    }
    for (let request = 0; request < requestsInFlight && sent < batchesPerPartition; request++) send()
  })
  const usage = meter.stop()

  const expected = batchesPerPartition * recordsPerBatch
  for (const [index, end] of (await endOffsets(client, topic, partitions)).entries()) {
    if (end !== expected) throw new Error(`${topic}-${index} ends at ${end}, sent were ${expected} records`)
  }
  client.close()
  const measured = (batchesPerPartition - 1) * partitions
  const wireBytes = requests.reduce(
    (sum, { pieces }) => sum + pieces.reduce((n, piece) => n + piece.length, 0),
    0,
  )
  return {
    ...usage,
    wireBytes: Math.round((wireBytes / requests.length / partitions) * measured),
    valueBytes: measured * recordsPerBatch * recordBytes,
  }
}
