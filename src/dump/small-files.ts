import { parseCheckpoint, parseOffsetCheckpoint } from '../log/checkpoint-file.ts'
import { decodeProducerSnapshot } from '../log/producer-snapshot.ts'
import { type DumpItem, type DumpOptions, type DumpValue, entry, note, problem } from './item.ts'

/** Files that are read as a whole; they are small unless they are something else. */
export const MAX_SMALL_FILE_BYTES = 64 * 1024 * 1024

const SEQUENCES = 2 ** 31

/** `.snapshot` of the producers of a partition. */
export function* dumpProducerSnapshot(bytes: Buffer, options: DumpOptions): Generator<DumpItem> {
  let producers: ReturnType<typeof decodeProducerSnapshot>
  try {
    producers = decodeProducerSnapshot(bytes)
  } catch (error) {
    yield problem((error as Error).message)
    return
  }
  if (!options.entries) return
  for (const each of producers) {
    const { producerId, producerEpoch, coordinatorEpoch, currentTxnFirstOffset } = each
    const { lastSequence, lastOffset, offsetDelta, timestamp } = each
    yield entry({
      producerId,
      producerEpoch,
      coordinatorEpoch,
      currentTxnFirstOffset: currentTxnFirstOffset < 0n ? null : currentTxnFirstOffset,
      lastTimestamp: timestamp,
      firstSequence: firstSequence(lastSequence, offsetDelta),
      lastSequence,
      lastOffset,
      offsetDelta,
      timestamp,
    })
  }
}

/** Sequence numbers begin again at 0 behind the largest int32. */
function firstSequence(lastSequence: number, offsetDelta: number): number {
  if (lastSequence < 0) return -1
  return lastSequence >= offsetDelta ? lastSequence - offsetDelta : lastSequence - offsetDelta + SEQUENCES
}

/** `leader-epoch-checkpoint`: where each epoch began. */
export function* dumpLeaderEpochs(bytes: Buffer): Generator<DumpItem> {
  const lines = parseCheckpoint(bytes.toString('utf8'))
  if (lines === undefined) {
    yield notACheckpoint(bytes)
    return
  }
  let previous = -1
  for (const line of lines) {
    const [, epoch, startOffset] = /^(\d+) (\d+)$/.exec(line) ?? []
    if (epoch === undefined || startOffset === undefined) {
      yield problem(`'${line}' is no epoch with its first offset`)
      continue
    }
    yield entry({ epoch: Number(epoch), startOffset: BigInt(startOffset) })
    if (Number(epoch) <= previous) yield problem(`epoch ${epoch} comes behind ${previous}`)
    previous = Number(epoch)
  }
}

/** The checkpoints of a data directory: an offset for each partition. */
export function* dumpOffsetCheckpoint(bytes: Buffer): Generator<DumpItem> {
  const checkpoint = parseOffsetCheckpoint(bytes.toString('utf8'))
  if (checkpoint === undefined) {
    yield notACheckpoint(bytes)
    return
  }
  for (const { topic, partition, offset } of checkpoint.values()) yield entry({ topic, partition, offset })
}

function notACheckpoint(bytes: Buffer): DumpItem {
  // Apache Kafka makes the file before it has something to say.
  if (bytes.length === 0) return note('the file is empty')
  return problem('it is cut off, or no checkpoint of version 0: a version, a count, and so many lines')
}

/** `meta.properties`, `partition.metadata`: names and values, with comments that say when it was written. */
export function* dumpProperties(bytes: Buffer): Generator<DumpItem> {
  if (bytes.length === 0) yield problem('the file is empty')
  for (const raw of bytes.toString('utf8').split('\n')) {
    const line = raw.trim()
    if (line === '') continue
    if (line.startsWith('#')) {
      const comment = line.slice(1).trim()
      if (comment !== '') yield note(comment)
      continue
    }
    const [, name, value] = /^([^=:\s]+)\s*[=:]\s*(.*)$/.exec(line) ?? []
    if (name === undefined) yield problem(`'${line.slice(0, 80)}' is no name with a value`)
    else yield entry({ [name]: value! })
  }
}

/** `quorum-state`, `.kafka_cleanshutdown`: one JSON object. */
export function* dumpJson(bytes: Buffer): Generator<DumpItem> {
  if (bytes.length === 0) {
    yield problem('the file is empty')
    return
  }
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      yield problem('it is no JSON object')
    else yield entry(value as Record<string, DumpValue>)
  } catch (error) {
    yield problem(`it is no JSON: ${(error as Error).message}`)
  }
}
