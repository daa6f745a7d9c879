import { ZERO_UUID } from '../../src/protocol/api.ts'
import { Fetch, type FetchRequest } from '../../src/protocol/generated/fetch.ts'
import { deleteTopic, FETCH } from './admin.ts'
import { BatchCheck } from './batch-check.ts'
import { FrameClient, prepareRequest } from './frame-client.ts'
import type { JobOf, Target, Throughput } from './jobs.ts'
import { UsageMeter } from './process-usage.ts'
import { prepareBatches } from './workload.ts'

/** Defaults of Kafka's consumer. */
const MAX_BYTES = 50 * 1024 * 1024
const PARTITION_MAX_BYTES = 1024 * 1024
const MAX_WAIT_MS = 500

/** A piece of a partition that one reader reads. */
interface Share {
  readonly partition: number
  readonly check: BatchCheck
  readonly endBatch: number
}

/**
 * Reads what a producing run has sent, from the start. Readers work side by side, each on a connection of its own with one request in
 * flight: they share the partitions, or the offsets of a single one. The topic is deleted afterwards.
 */
export async function runFetch({ broker, topic, workload, readers }: JobOf<'fetch'>): Promise<Throughput> {
  const prepared = prepareBatches(workload)
  const { partitions, recordBytes } = workload
  const { batchesPerPartition, recordsPerBatch } = prepared
  const shares: Share[][] = Array.from({ length: readers }, () => [])
  const pieces = partitions >= readers ? 1 : readers
  for (let partition = 0; partition < partitions; partition++) {
    for (let piece = 0; piece < pieces; piece++) {
      const first = Math.floor((batchesPerPartition * piece) / pieces)
      const endBatch = Math.floor((batchesPerPartition * (piece + 1)) / pieces)
      const share = { partition, check: new BatchCheck(prepared, first), endBatch }
      shares[(partition + piece) % readers]!.push(share)
    }
  }
  const meter = new UsageMeter(broker.pid)
  const wireBytes = await Promise.all(shares.map((own) => read(broker, topic, own)))
  const usage = meter.stop()
  const admin = await FrameClient.open(broker.host, broker.port)
  await deleteTopic(admin, topic)
  admin.close()
  return {
    ...usage,
    wireBytes: wireBytes.reduce((sum, bytes) => sum + bytes, 0),
    valueBytes: batchesPerPartition * partitions * recordsPerBatch * recordBytes,
  }
}

/** Bytes of the answers. */
async function read(broker: Target, topic: string, shares: readonly Share[]): Promise<number> {
  const client = await FrameClient.open(broker.host, broker.port, PARTITION_MAX_BYTES * (shares.length + 2))
  const byPartition = new Map(shares.map((share) => [share.partition, share]))
  let wireBytes = 0
  await new Promise<void>((resolve, reject) => {
    client.onFailure = reject
    const next = () => {
      const open = shares.filter(({ check, endBatch }) => check.nextBatch < endBatch)
      if (open.length === 0) {
        resolve()
        return
      }
      client.send(prepareRequest(Fetch, FETCH, fetchRequest(topic, open)), (body) => {
        wireBytes += body.end
        const { responses, errorCode } = Fetch.response.decode(body, FETCH)
        if (errorCode !== 0) throw new Error(`fetch answers error ${errorCode}`)
        for (const { partitions } of responses) {
          for (const { partitionIndex, errorCode: code, records } of partitions) {
            if (code !== 0) throw new Error(`${topic}-${partitionIndex} answers error ${code}`)
            const share = byPartition.get(partitionIndex)!
            if (Buffer.isBuffer(records)) share.check.take(records, share.endBatch)
          }
        }
        next()
      })
    }
    next()
  })
  client.close()
  return wireBytes
}

function fetchRequest(topic: string, shares: readonly Share[]): FetchRequest {
  return fetchOf(
    topic,
    shares.map(({ partition, check }) => ({ partition, fetchOffset: check.nextOffset })),
  )
}

/** A request without a session, as the first of a consumer. */
export function fetchOf(
  topic: string,
  places: readonly { partition: number; fetchOffset: bigint }[],
): FetchRequest {
  return {
    clusterId: null,
    replicaId: -1,
    replicaState: { replicaId: -1, replicaEpoch: -1n },
    maxWaitMs: MAX_WAIT_MS,
    minBytes: 1,
    maxBytes: MAX_BYTES,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [
      {
        topic,
        topicId: ZERO_UUID,
        partitions: places.map(({ partition, fetchOffset }) => ({
          partition,
          currentLeaderEpoch: -1,
          fetchOffset,
          lastFetchedEpoch: -1,
          logStartOffset: -1n,
          partitionMaxBytes: PARTITION_MAX_BYTES,
          replicaDirectoryId: ZERO_UUID,
          highWatermark: 9223372036854775807n,
        })),
      },
    ],
    forgottenTopicsData: [],
    rackId: '',
  }
}
