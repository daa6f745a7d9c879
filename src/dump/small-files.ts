import { decodeProducerSnapshot } from '../log/producer-snapshot.ts'
import type { FileWindow } from './file-window.ts'
import { type DumpItem, type DumpOptions, type DumpValue, entry, note, problem } from './item.ts'
import { linesOf } from './text-lines.ts'

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
export function* dumpLeaderEpochs(window: FileWindow): Generator<DumpItem> {
  let previous: { epoch: number; startOffset: bigint } | undefined
  for (const line of checkpointLines(window)) {
    if (typeof line !== 'string') {
      yield line
      continue
    }
    const [, epochText, offsetText] = /^(\d+) (\d+)$/.exec(line) ?? []
    if (epochText === undefined || offsetText === undefined) {
      yield problem(`'${shortened(line)}' is no epoch with its first offset`)
      continue
    }
    const [epoch, startOffset] = [Number(epochText), BigInt(offsetText)]
    yield entry({ epoch, startOffset })
    if (previous && epoch <= previous.epoch) yield problem(`epoch ${epoch} comes behind ${previous.epoch}`)
    else if (previous && startOffset < previous.startOffset)
      yield problem(`epoch ${epoch} begins at ${startOffset}, before the one in front of it`)
    previous = { epoch, startOffset }
  }
}

/** The checkpoints of a data directory: an offset for each partition. */
export function* dumpOffsetCheckpoint(window: FileWindow): Generator<DumpItem> {
  for (const line of checkpointLines(window)) {
    if (typeof line !== 'string') yield line
    else {
      const [, topic, partition, offset] = /^(\S+) (\d+) (-?\d+)$/.exec(line) ?? []
      if (offset === undefined) yield problem(`'${shortened(line)}' is no partition with its offset`)
      else yield entry({ topic: topic!, partition: Number(partition), offset: BigInt(offset) })
    }
  }
}

/** The entries of a checkpoint as text, one at a time, and what is wrong with the file as a whole. */
function* checkpointLines(window: FileWindow): Generator<string | DumpItem> {
  // Apache Kafka makes the file before it has something to say.
  if (window.size === 0) {
    yield note('the file is empty')
    return
  }
  const lines = linesOf(window)
  const [version, countText] = [lines.next().value, lines.next().value]
  const expected = Number(countText || Number.NaN)
  let count = 0
  if (typeof version === 'string' && version.trim() === '0' && Number.isInteger(expected) && expected >= 0) {
    for (const line of lines) {
      if (line === '') continue
      count++
      yield line
    }
    if (count === expected) return
  }
  yield problem('it is cut off, or no checkpoint of version 0: a version, a count, and so many lines')
}

function shortened(line: string): string {
  return line.slice(0, 80)
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
    if (name === undefined) yield problem(`'${shortened(line)}' is no name with a value`)
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
