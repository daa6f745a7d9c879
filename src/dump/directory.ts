import { parseOffsetCheckpoint } from '../log/checkpoint-file.ts'
import { parsePartitionDirectoryName } from '../log/segment-names.ts'
import type { Files } from '../platform/platform.ts'
import { dumpFile, reasonOf } from './dump-file.ts'
import { kindOf } from './file-kind.ts'
import { ALL, type DumpItem, type DumpOptions, type Fields, problem } from './item.ts'

/** A folder in a data directory that holds a partition, or what is left of one. */
export interface PartitionFolder {
  readonly name: string
  readonly topic: string
  readonly partition: number
  /** `delete`, `stray` or `future`; undefined for a partition that is in use. */
  readonly state: string | undefined
}

/** What lies in a folder, sorted by name. */
export interface Listing {
  readonly partitions: readonly PartitionFolder[]
  readonly fileNames: readonly string[]
  /** Segments lie in the folder itself. */
  readonly isPartition: boolean
  /** There is something of a data directory in it. */
  readonly isKnown: boolean
}

/** Problems of a partition that are told one by one. */
const MOST_PROBLEMS = 20
const QUICKLY: DumpOptions = { ...ALL, decompress: false, entries: false }

/** Names that no other program gives its files. */
const PLAIN_NAMES: ReadonlySet<string> = new Set([
  'meta.properties',
  'partition.metadata',
  'leader-epoch-checkpoint',
  'recovery-point-offset-checkpoint',
])

/** Whether a file belongs to a segment by its name of 20 digits; others may end in .log as well. */
function isOfSegment(name: string): boolean {
  return kindOf(name)?.baseOffset !== undefined
}

/** Throws Node's error when the path is no folder, or may not be read. */
export function listFolder(files: Files, path: string): Listing {
  const entries = files.list(path).sort((a, b) => (a.name < b.name ? -1 : 1))
  const fileNames = entries.flatMap(({ name, isDirectory }) => (isDirectory ? [] : [name]))
  const partitions = entries
    .flatMap(({ name, isDirectory }) => (isDirectory ? [partitionFolder(name)] : []))
    .filter((folder) => folder !== undefined)
    .sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
  return {
    partitions,
    fileNames,
    isPartition: fileNames.some((name) => isOfSegment(name) || name === 'partition.metadata'),
    isKnown: partitions.length > 0 || fileNames.some((name) => isOfSegment(name) || PLAIN_NAMES.has(name)),
  }
}

function partitionFolder(name: string): PartitionFolder | undefined {
  const used = parsePartitionDirectoryName(name)
  if (used !== undefined) return { name, ...used, state: undefined }
  const [, topic, partition, state] = /^(.+)-(\d+)\.[0-9a-f]{32}-(delete|stray|future)$/.exec(name) ?? []
  if (topic === undefined) return undefined
  return { name, topic, partition: Number(partition), state }
}

/** Reads a partition's folder through and says what it amounts to, then what is wrong in it. */
export async function* surveyPartition(
  files: Files,
  dataPath: string,
  folder: PartitionFolder,
): AsyncGenerator<DumpItem> {
  const path = `${dataPath}/${folder.name}`
  const survey = new Survey(path)
  let names: readonly string[] = []
  try {
    names = listFolder(files, path).fileNames
  } catch (error) {
    survey.add(problem(reasonOf(error)))
  }
  for (const name of names) {
    // A broker that runs may have removed it by now.
    if (kindOf(name) === undefined || !files.exists(`${path}/${name}`)) continue
    for await (const item of dumpFile(files, `${path}/${name}`, QUICKLY)) survey.add(item)
  }
  const logStartOffset = readLogStart(files, dataPath, folder)
  yield { type: 'partition', fields: survey.fields(folder, logStartOffset) }
  yield* survey.problems()
}

/** Where a log begins after records were deleted; undefined when its files tell. */
function readLogStart(
  files: Files,
  dataPath: string,
  { topic, partition }: PartitionFolder,
): bigint | undefined {
  try {
    const text = files.read(`${dataPath}/log-start-offset-checkpoint`).toString('utf8')
    return parseOffsetCheckpoint(text)?.get(`${topic}-${partition}`)?.offset
  } catch {
    return undefined
  }
}

class Survey {
  readonly #problems: DumpItem[] = []
  #problemCount = 0
  #path: string
  #file: Fields = {}
  #topicId: string | undefined
  #segments = 0
  #bytes = 0
  #batches = 0
  #records = 0
  #startOffset: bigint | undefined
  #endOffset: bigint | undefined

  constructor(path: string) {
    this.#path = path
  }

  add({ type, fields }: DumpItem): void {
    if (type === 'file') this.#begin(fields)
    else if (type === 'problem') this.#problem(fields)
    else if (type === 'entry' && typeof fields.topic_id === 'string') this.#topicId = fields.topic_id
    else if (type === 'end' && this.#file.kind === 'segment') this.#end(fields)
  }

  #begin(fields: Fields): void {
    this.#file = fields
  }

  #problem(fields: Fields): void {
    // What is being written or removed may be in any state.
    if (this.#file.state !== undefined) return
    this.#problemCount++
    if (this.#problemCount <= MOST_PROBLEMS)
      this.#problems.push({ type: 'problem', fields: { path: this.#file.path ?? this.#path, ...fields } })
  }

  /** Those that are told, and how many are not. */
  problems(): DumpItem[] {
    const left = this.#problemCount - this.#problems.length
    if (left === 0) return this.#problems
    return [...this.#problems, problem(`${this.#path} has ${left} more problems`)]
  }

  #end({ batches, records, lastOffset, validBytes }: Fields): void {
    // What is about to be deleted, or compacted anew, is no part of the log.
    if (this.#file.state !== undefined) return
    const { startingOffset } = this.#file
    this.#segments++
    this.#bytes += Number(validBytes)
    this.#batches += Number(batches)
    this.#records += Number(records)
    if (typeof startingOffset === 'bigint') {
      this.#startOffset ??= startingOffset
      this.#endOffset = startingOffset
    }
    if (typeof lastOffset === 'bigint') this.#endOffset = lastOffset + 1n
  }

  fields({ topic, partition, state }: PartitionFolder, logStartOffset: bigint | undefined): Fields {
    const first = this.#startOffset ?? null
    const start =
      logStartOffset !== undefined && (first === null || logStartOffset > first) ? logStartOffset : first
    return {
      topic,
      partition,
      topicId: this.#topicId ?? null,
      segments: this.#segments,
      startOffset: start,
      endOffset: this.#endOffset ?? null,
      batches: this.#batches,
      records: this.#records,
      bytes: this.#bytes,
      problems: this.#problemCount,
      state: state ?? null,
    }
  }
}
