import { buildRecordBatch } from './record-batch-builder.ts'

/** So many different batches go round: enough that a batch which is lost, doubled or misplaced does not look right. */
const DIFFERENT_BATCHES = 31

const WORDS =
  'order item customer price amount currency street city country status paid shipped open new'.split(' ')

/** What a throughput run sends, and what the reading run after it must find. Both build the same bytes from it. */
export interface Workload {
  readonly recordBytes: number
  readonly partitions: number
  readonly codec: 'none' | 'lz4'
  /** Size of a batch before compression. */
  readonly batchBytes: number
  /** Sum of the values of all records. */
  readonly totalBytes: number
  /** Time in all records. */
  readonly timestampMs: number
}

/** The batches of one partition: the n-th one that is sent is `batches[n % batches.length]`. All partitions get the same. */
export interface PreparedBatches {
  readonly batches: readonly Buffer[]
  readonly recordsPerBatch: number
  readonly batchesPerPartition: number
}

export function prepareBatches(workload: Workload): PreparedBatches {
  const { recordBytes, batchBytes, totalBytes, partitions, codec, timestampMs } = workload
  const recordsPerBatch = Math.max(1, Math.floor(batchBytes / recordBytes))
  const random = seededRandom()
  const batches = Array.from({ length: DIFFERENT_BATCHES }, (_, batch) => {
    const values = Array.from({ length: recordsPerBatch }, (_, record) =>
      text(`{"batch":${batch},"record":${record},`, recordBytes, random),
    )
    return buildRecordBatch(values, codec, timestampMs)
  })
  const batchesPerPartition = Math.max(1, Math.floor(totalBytes / partitions / recordsPerBatch / recordBytes))
  return { batches, recordsPerBatch, batchesPerPartition }
}

/** Text that compresses about as well as JSON does. */
function text(start: string, bytes: number, random: () => number): Buffer {
  let value = start
  while (value.length < bytes) value += `"${WORDS[random() % WORDS.length]}":${random() % 1_000_000},`
  return Buffer.from(value, 'latin1').subarray(0, bytes)
}

/** The same numbers in every process, so that the reader knows what the writer sent. */
function seededRandom(): () => number {
  let state = 1
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 8
  }
}
