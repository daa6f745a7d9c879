import type { PartitionFolder } from '../dump/directory.ts'
import { listFolder } from '../dump/directory.ts'
import { dumpFile, reasonOf } from '../dump/dump-file.ts'
import { kindOf } from '../dump/file-kind.ts'
import { ALL, type DumpItem, type DumpOptions } from '../dump/item.ts'
import { parseCheckpoint } from '../log/checkpoint-file.ts'
import type { Files } from '../platform/platform.ts'
import { type Finding, note, problem } from './finding.ts'

const QUICKLY: DumpOptions = { ...ALL, decompress: false, entries: false }

/** What has to be true of a partition, from elsewhere in the directory; undefined where nothing says. */
export interface PartitionFacts {
  readonly topicId: string | undefined
  /** Compaction leaves gaps behind. */
  readonly mayHaveGaps: boolean
  readonly logStartOffset: bigint | undefined
  readonly recoveryPoint: bigint | undefined
}

/** What a partition amounts to. */
export interface PartitionTotals {
  readonly segments: number
  readonly records: number
  readonly bytes: number
}

/** Reads all files of a partition through, one batch at a time, and compares them with each other. Gives findings, then the totals. */
export async function* checkPartition(
  files: Files,
  path: string,
  folder: PartitionFolder,
  facts: PartitionFacts,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Finding, PartitionTotals> {
  let names: readonly string[]
  try {
    names = listFolder(files, path).fileNames
  } catch (error) {
    yield problem(path, reasonOf(error))
    return { segments: 0, records: 0, bytes: 0 }
  }
  const check = new PartitionCheck(files, path, facts)
  for (const name of names) {
    const known = kindOf(`${path}/${name}`)
    if (known === undefined) yield note(`${path}/${name}`, 'no file of a partition has such a name')
    else if (known.state !== undefined)
      yield note(`${path}/${name}`, `${known.state}: the next start removes it, or puts it in place`)
    else {
      for await (const item of dumpFile(files, `${path}/${name}`, QUICKLY)) {
        if (item.type === 'batch') onBytes(Number(item.fields.size))
        yield* check.take(item, `${path}/${name}`)
      }
    }
  }
  if (folder.topic !== '__cluster_metadata') yield* check.identity(names)
  yield* check.end(names)
  return check.totals
}

class PartitionCheck {
  readonly #files: Files
  readonly #path: string
  readonly #facts: PartitionFacts
  readonly #epochs: readonly { readonly epoch: number; readonly startOffset: bigint }[]
  #segments = 0
  #records = 0
  #bytes = 0
  #startOffset: bigint | undefined
  #nextOffset: bigint | undefined
  #isSegment = false
  #hasEpochProblem = false

  constructor(files: Files, path: string, facts: PartitionFacts) {
    this.#files = files
    this.#path = path
    this.#facts = facts
    this.#epochs = this.#readEpochs()
  }

  get totals(): PartitionTotals {
    return { segments: this.#segments, records: this.#records, bytes: this.#bytes }
  }

  #readEpochs(): { epoch: number; startOffset: bigint }[] {
    const file = `${this.#path}/leader-epoch-checkpoint`
    if (!this.#files.exists(file)) return []
    return (parseCheckpoint(this.#files.read(file).toString('utf8')) ?? []).flatMap((line) => {
      const [, epoch, startOffset] = /^(\d+) (\d+)$/.exec(line) ?? []
      return startOffset === undefined ? [] : [{ epoch: Number(epoch), startOffset: BigInt(startOffset) }]
    })
  }

  *take({ type, fields }: DumpItem, path: string): Generator<Finding> {
    if (type === 'problem') yield problem(path, String(fields.message), fields.position as number | undefined)
    else if (type === 'file') {
      // The batches of a snapshot of the metadata are no part of the log.
      this.#isSegment = fields.kind === 'segment' && typeof fields.startingOffset === 'bigint'
      if (this.#isSegment) yield* this.#begin(path, fields.startingOffset as bigint)
    } else if (!this.#isSegment) return
    else if (type === 'batch') yield* this.#batch(path, fields)
    else if (type === 'end') {
      this.#records += Number(fields.records)
      this.#bytes += Number(fields.validBytes)
    }
  }

  *#begin(path: string, base: bigint): Generator<Finding> {
    const expected = this.#nextOffset
    this.#segments++
    this.#startOffset ??= base
    if (expected !== undefined && base < expected) {
      yield problem(path, `it begins at offset ${base}, and the segment before it ends at ${expected - 1n}`)
    } else if (expected !== undefined && base > expected && !this.#facts.mayHaveGaps) {
      yield problem(path, `the offsets ${expected} to ${base - 1n} in front of it are missing`)
    }
    this.#nextOffset = base
  }

  *#batch(
    path: string,
    { baseOffset, lastOffset, partitionLeaderEpoch, position }: DumpItem['fields'],
  ): Generator<Finding> {
    if (typeof lastOffset !== 'bigint') return
    this.#nextOffset = lastOffset + 1n
    if (this.#hasEpochProblem || typeof baseOffset !== 'bigint' || typeof partitionLeaderEpoch !== 'number')
      return
    const known = this.#epochs.findLast(({ startOffset }) => startOffset <= baseOffset)
    if (known === undefined || partitionLeaderEpoch < 0 || known.epoch === partitionLeaderEpoch) return
    // One of them: when the checkpoint is wrong, every batch is.
    this.#hasEpochProblem = true
    const message = `offset ${baseOffset} has the leader epoch ${partitionLeaderEpoch}, and leader-epoch-checkpoint says ${known.epoch}`
    yield problem(path, message, position as number | undefined)
  }

  /** Whose folder is it? */
  *identity(names: readonly string[]): Generator<Finding> {
    const path = `${this.#path}/partition.metadata`
    if (!names.includes('partition.metadata')) {
      yield problem(
        this.#path,
        'there is no partition.metadata: Apache Kafka would take the folder for a stray',
      )
      return
    }
    const stored = /^topic_id: *(\S+)$/m.exec(this.#files.read(path).toString('utf8'))?.[1]
    const { topicId } = this.#facts
    if (stored === undefined) yield problem(path, 'there is no topic_id in it')
    else if (topicId !== undefined && stored !== topicId) {
      yield problem(path, `topic_id is ${stored}, and the metadata says ${topicId}`)
    }
  }

  *end(names: readonly string[]): Generator<Finding> {
    for (const name of names) {
      if (!/^\d{20}\.log$/.test(name)) continue
      const stem = name.slice(0, -'.log'.length)
      const lacking = ['.index', '.timeindex'].filter((suffix) => !names.includes(stem + suffix))
      // An empty segment needs none.
      if (lacking.length > 0 && this.#bytes > 0) {
        yield note(
          `${this.#path}/${name}`,
          `${lacking.join(' and ')} missing: the next start builds them anew`,
        )
      }
    }
    yield* this.#boundaries()
  }

  *#boundaries(): Generator<Finding> {
    const [start, end] = [this.#startOffset, this.#nextOffset]
    if (start === undefined || end === undefined) {
      yield note(this.#path, 'there is no segment in it')
      return
    }
    const { logStartOffset, recoveryPoint } = this.#facts
    if (logStartOffset !== undefined && logStartOffset > end) {
      yield problem(
        this.#path,
        `log-start-offset-checkpoint says ${logStartOffset}, and the log ends at ${end}`,
      )
    }
    if (recoveryPoint !== undefined && recoveryPoint > end) {
      yield problem(
        this.#path,
        `recovery-point-offset-checkpoint says ${recoveryPoint}, and the log ends at ${end}: records are missing`,
      )
    }
    const late = this.#epochs.find(({ startOffset }) => startOffset > end)
    if (late) {
      yield problem(
        `${this.#path}/leader-epoch-checkpoint`,
        `epoch ${late.epoch} begins at ${late.startOffset}, and the log ends at ${end}`,
      )
    }
  }
}
