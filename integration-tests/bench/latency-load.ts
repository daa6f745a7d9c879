import { Fetch } from '../../src/protocol/generated/fetch.ts'
import { Produce } from '../../src/protocol/generated/produce.ts'
import { createTopic, deleteTopic, FETCH, PRODUCE, prepareProduce, produceUntilTaken } from './admin.ts'
import { fetchOf } from './fetch-load.ts'
import { FrameClient, prepareRequest } from './frame-client.ts'
import type { JobOf, Latency } from './jobs.ts'
import { percentile } from './percentile.ts'
import { UsageMeter } from './process-usage.ts'
import { buildRecordBatch } from './record-batch-builder.ts'

const RECORD_BYTES = 100
/** Not measured: connections and caches get warm. */
const WARM_UP_SECONDS = 1

/**
 * Sends single records at a steady rate on one connection while another one waits for them with long polls. A record's offset tells
 * when it was sent; each must arrive once and in order.
 */
export async function runLatency({
  broker,
  topic,
  recordsPerSecond,
  seconds,
}: JobOf<'latency'>): Promise<Latency> {
  const batch = buildRecordBatch([Buffer.alloc(RECORD_BYTES, 'x')], 'none', Date.now())
  const producer = await FrameClient.open(broker.host, broker.port)
  const consumer = await FrameClient.open(broker.host, broker.port)
  await createTopic(producer, topic, 1)
  await produceUntilTaken(producer, topic, 1, batch)

  const count = recordsPerSecond * (seconds + WARM_UP_SECONDS)
  const sentMs = new Float64Array(count + 1)
  const acknowledgedMs = new Float64Array(count + 1)
  const receivedMs = new Float64Array(count + 1)
  const request = Array.from({ length: 256 }, () => prepareProduce(topic, [0], batch))
  const meter = new UsageMeter(broker.pid)
  await Promise.all([
    consume(consumer, topic, count, receivedMs),
    produceAtRate(producer, recordsPerSecond, count, (offset, done) => {
      sentMs[offset] = performance.now()
      producer.send(request[offset % request.length]!, (body) => {
        acknowledgedMs[offset] = performance.now()
        const row = Produce.response.decode(body, PRODUCE).responses[0]!.partitionResponses[0]!
        if (row.errorCode !== 0 || Number(row.baseOffset) !== offset)
          throw new Error(`record ${offset} got error ${row.errorCode}, offset ${row.baseOffset}`)
        done()
      })
    }),
  ])
  const usage = meter.stop()
  await deleteTopic(producer, topic)
  producer.close()
  consumer.close()

  const spread = (until: Float64Array) => {
    const times: number[] = []
    for (let offset = recordsPerSecond * WARM_UP_SECONDS + 1; offset <= count; offset++)
      times.push(until[offset]! - sentMs[offset]!)
    return { p50: percentile(times, 50), p99: percentile(times, 99) }
  }
  return { ...usage, acknowledgedMs: spread(acknowledgedMs), endToEndMs: spread(receivedMs) }
}

/** Offsets 1 to `count`, each when it is due; resolves when all are acknowledged. */
function produceAtRate(
  client: FrameClient,
  perSecond: number,
  count: number,
  send: (offset: number, done: () => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    client.onFailure = reject
    const startedMs = performance.now()
    let sent = 0
    let acknowledged = 0
    const timer = setInterval(() => {
      const due = Math.min(count, Math.floor(((performance.now() - startedMs) / 1000) * perSecond))
      while (sent < due) {
        send(++sent, () => {
          if (++acknowledged === count) resolve()
        })
      }
      if (sent === count) clearInterval(timer)
    }, 1)
  })
}

/** Reads offsets 1 to `count` and notes when each came. */
function consume(client: FrameClient, topic: string, count: number, receivedMs: Float64Array): Promise<void> {
  return new Promise((resolve, reject) => {
    client.onFailure = reject
    let offset = 1
    const next = () => {
      const request = fetchOf(topic, [{ partition: 0, fetchOffset: BigInt(offset) }])
      client.send(prepareRequest(Fetch, FETCH, request), (body) => {
        const nowMs = performance.now()
        const row = Fetch.response.decode(body, FETCH).responses[0]?.partitions[0]
        if (row && row.errorCode !== 0) throw new Error(`fetch answers error ${row.errorCode}`)
        const records = Buffer.isBuffer(row?.records) ? row.records : Buffer.alloc(0)
        for (let at = 0; at < records.length; at += 12 + records.readInt32BE(at + 8)) {
          const found = Number(records.readBigInt64BE(at))
          if (found !== offset) throw new Error(`offset ${found} where ${offset} must be`)
          receivedMs[offset++] = nowMs
        }
        if (offset > count) resolve()
        else next()
      })
    }
    next()
  })
}
