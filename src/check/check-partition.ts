import type { PartitionFolder } from '../dump/directory.ts'
import { dumpFile, reasonOf } from '../dump/dump-file.ts'
import { type FileFacts, kindOf } from '../dump/file-kind.ts'
import { ALL, type DumpItem, type DumpOptions, type DumpValue } from '../dump/item.ts'
import { parseCheckpoint } from '../log/checkpoint-file.ts'
import type { DirectoryEntry, Files } from '../platform/platform.ts'
import { AbortedCheck } from './check-aborted.ts'
import { METADATA_TOPIC } from './directory-facts.ts'
import { type Finding, note, problem } from './finding.ts'

const QUICKLY: DumpOptions = { ...ALL, decompress: false, entries: false }

/** What has to be true of a partition, from elsewhere in the directory; undefined where nothing says. */
export interface PartitionFacts {
  /** The folder was put aside, or the next start does it. */
  readonly isAside: boolean
  /** The last broker stopped as it should. */
  readonly wasClean: boolean
  readonly topicId: string | undefined
  /** Compaction leaves gaps behind. */
  readonly mayHaveGaps: boolean
  readonly logStartOffset: bigint | undefined
  readonly recoveryPoint: bigint | undefined
}

export interface PartitionCheckOptions {
  readonly onBytes: (bytes: number) => void
  /** A broker has the directory open: files come and go, and what is at the end of a log may be half written. */
  readonly isInUse: boolean
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
  { onBytes, isInUse }: PartitionCheckOptions,
): AsyncGenerator<Finding, PartitionTotals> {
  let entries: readonly DirectoryEntry[]
  try {
    entries = files.list(path).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if (!isInUse || files.exists(path)) yield problem(path, reasonOf(error))
    return { segments: 0, records: 0, bytes: 0 }
  }
  yield* foreignFolders(entries, path)
  const names = entries.flatMap(({ name, isDirectory }) => (isDirectory ? [] : [name]))
  const check = new PartitionCheck(files, path, facts, isInUse, lastSegmentIn(names))
  const isLog = folder.topic !== METADATA_TOPIC && !facts.mayHaveGaps
  const aborted = isLog ? new AbortedCheck(files) : undefined
  for (const name of names) {
    const file = `${path}/${name}`
    const known = kindOf(file)
    // A broker that runs may have removed it by now.
    if (isInUse && !files.exists(file)) continue
    if (known === undefined) yield note(file, 'no file of a partition has such a name')
    else if (known.state !== undefined) yield* leftover(files, file, known)
    else {
      for await (const item of dumpFile(files, file, QUICKLY)) {
        if (item.type === 'batch') onBytes(Number(item.fields.size))
        yield* check.take(item, file)
      }
      if (known.kind === 'segment' && aborted && files.exists(file)) yield* aborted.segment(file)
    }
  }
  if (folder.topic !== METADATA_TOPIC && !facts.isAside) yield* check.identity(names)
  yield* check.end(names)
  return check.totals
}

function lastSegmentIn(names: readonly string[]): bigint | undefined {
  const last = names.findLast((name) => /^\d{20}\.log$/.test(name))
  return last === undefined ? undefined : BigInt(last.slice(0, 20))
}

function isEpoch(value: DumpValue | undefined): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31
}

function* foreignFolders(entries: readonly DirectoryEntry[], path: string): Generator<Finding> {
  for (const { name, isDirectory } of entries) {
    if (!isDirectory) continue
    if (kindOf(`${path}/${name}`) !== undefined) yield problem(`${path}/${name}`, 'it is a folder')
    else yield note(`${path}/${name}`, 'there is no folder in that of a partition')
  }
}

/** What a crash left half done. One that would take the place of segments has to be whole. */
async function* leftover(files: Files, path: string, { kind, state }: FileFacts): AsyncGenerator<Finding> {
  yield note(path, `${state}: the next start removes it, or puts it in place`)
  if (kind !== 'segment' || !path.endsWith('.swap')) return
  for await (const { type, fields } of dumpFile(files, path, QUICKLY)) {
    if (type === 'problem') yield problem(path, String(fields.message), fields.position as number | undefined)
  }
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
  #kind: DumpValue | undefined
  #hasEpochProblem = false
  /** A segment could not be read at all: nobody knows what is missing. */
  #hasUnread = false
  readonly #isInUse: boolean
  /** Of the segment that is written to. */
  readonly #lastBase: bigint | undefined

  constructor(
    files: Files,
    path: string,
    facts: PartitionFacts,
    isInUse: boolean,
    lastBase: bigint | undefined,
  ) {
    this.#lastBase = lastBase
    this.#files = files
    this.#path = path
    this.#facts = facts
    this.#isInUse = isInUse
    this.#epochs = this.#readEpochs()
  }

  get totals(): PartitionTotals {
    return { segments: this.#segments, records: this.#records, bytes: this.#bytes }
  }

  #readEpochs(): { epoch: number; startOffset: bigint }[] {
    const file = `${this.#path}/leader-epoch-checkpoint`
    try {
      return (parseCheckpoint(this.#files.read(file).toString('utf8')) ?? []).flatMap((line) => {
        const [, epoch, startOffset] = /^(\d+) (\d+)$/.exec(line) ?? []
        return startOffset === undefined ? [] : [{ epoch: Number(epoch), startOffset: BigInt(startOffset) }]
      })
    } catch {
      // Missing, or told of when its turn comes.
      return []
    }
  }

  *take({ type, fields }: DumpItem, path: string): Generator<Finding> {
    if (type === 'problem') {
      if (fields.position === undefined && path.endsWith('.log')) this.#hasUnread = true
      yield this.#problem(path, fields)
    } else if (type === 'file') {
      this.#kind = fields.kind
      // The batches of a snapshot of the metadata are no part of the log.
      this.#isSegment = fields.kind === 'segment' && typeof fields.startingOffset === 'bigint'
      if (this.#isSegment) yield* this.#begin(path, fields.startingOffset as bigint)
    } else if (type === 'entry' && this.#kind === 'quorum state' && !isEpoch(fields.leaderEpoch)) {
      yield problem(path, 'it has no epoch of a leader: the next start writes it anew')
    } else if (!this.#isSegment) return
    else if (type === 'batch') yield* this.#batch(path, fields)
    else if (type === 'end') {
      this.#records += Number(fields.records)
      this.#bytes += Number(fields.validBytes)
    }
  }

  #problem(path: string, { message, position }: DumpItem['fields']): Finding {
    const text = String(message)
    if (this.#isInUse && !this.#files.exists(path)) return note(path, 'it was removed meanwhile')
    // A broker that runs writes at the end of the log, and keeps the end of indexes to itself.
    if (this.#isInUse && this.#isUnsettled(path)) return note(path, `${text} (perhaps just being written)`)
    return problem(path, text, position as number | undefined)
  }

  #isUnsettled(path: string): boolean {
    const { kind, baseOffset } = kindOf(path) ?? {}
    return kind !== 'segment' || baseOffset === this.#lastBase
  }

  *#begin(path: string, base: bigint): Generator<Finding> {
    const expected = this.#hasUnread ? undefined : this.#nextOffset
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
    let text: string
    try {
      text = this.#files.read(path).toString('utf8')
    } catch {
      // Told of already.
      return
    }
    const stored = /^topic_id: *(\S+)$/m.exec(text)?.[1]
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
      if (this.#isInUse && this.#isUnsettled(name)) continue
      const lacking = ['.index', '.timeindex'].filter((suffix) => !names.includes(stem + suffix))
      // An empty segment needs none.
      if (lacking.length > 0 && this.#bytes > 0) {
        yield note(
          `${this.#path}/${name}`,
          `${lacking.join(' and ')} missing: the next start builds them anew`,
        )
      }
    }
    yield* this.#boundaries(names)
  }

  /** Retention takes the first segments, and says so here too; somebody else does not. */
  *#beginning(start: bigint): Generator<Finding> {
    const [first] = this.#epochs
    if (first === undefined || first.startOffset >= start || !this.#facts.wasClean) return
    yield note(
      this.#path,
      `the log begins at offset ${start}, and leader-epoch-checkpoint knows of ${first.startOffset}: what was before was removed, or is missing`,
    )
  }

  /** Closing a log leaves a snapshot of its producers at its end. */
  *#closing(names: readonly string[], end: bigint): Generator<Finding> {
    const newest = names.findLast((name) => /^\d{20}\.snapshot$/.test(name))
    const closedAt = newest === undefined ? undefined : BigInt(newest.slice(0, 20))
    if (closedAt === undefined || closedAt <= end || !this.#facts.wasClean || this.#isInUse) return
    yield problem(
      `${this.#path}/${newest}`,
      `it says that the log was closed at ${closedAt}, and the log ends at ${end}: records are missing`,
    )
  }

  *#boundaries(names: readonly string[]): Generator<Finding> {
    const [start, end] = [this.#startOffset, this.#nextOffset]
    const { logStartOffset, recoveryPoint, isAside } = this.#facts
    if (isAside || this.#hasUnread) return
    if (start === undefined || end === undefined) {
      if (recoveryPoint === undefined || recoveryPoint === 0n)
        yield note(this.#path, 'there is no segment in it')
      else
        yield problem(
          this.#path,
          `there is no segment in it, and recovery-point-offset-checkpoint says ${recoveryPoint}`,
        )
      return
    }
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
    yield* this.#beginning(start)
    yield* this.#closing(names, end)
    const late = this.#epochs.find(({ startOffset }) => startOffset > end)
    if (late) {
      yield problem(
        `${this.#path}/leader-epoch-checkpoint`,
        `epoch ${late.epoch} begins at ${late.startOffset}, and the log ends at ${end}`,
      )
    }
  }
}
