import { listFolder, type PartitionFolder } from '../dump/directory.ts'
import { dumpFile } from '../dump/dump-file.ts'
import { kindOf } from '../dump/file-kind.ts'
import { ALL } from '../dump/item.ts'
import { type OffsetCheckpoint, parseOffsetCheckpoint } from '../log/checkpoint-file.ts'
import type { MetadataImage, TopicImage } from '../metadata/metadata-image.ts'
import type { Files } from '../platform/platform.ts'
import { checkMetadata, type Identity } from './check-metadata.ts'
import { checkPartition, type PartitionFacts } from './check-partition.ts'
import { type Finding, note, problem } from './finding.ts'

/** How far a check is. */
export interface CheckProgress {
  readonly partitions: number
  readonly checkedPartitions: number
  readonly segments: number
  readonly records: number
  /** Of batches, read and compared with their checksums. */
  readonly bytes: number
}

/** Findings of one partition that are told; there might be one for each batch. */
const MOST_FINDINGS = 20
const METADATA_TOPIC = '__cluster_metadata'

/**
 * Checks a data directory without writing to it, file by file, and all of them against each other. `onProgress` is called for every batch.
 * At the end it returns what was there. Throws Node's error when the folder cannot be listed.
 */
export async function* checkDirectory(
  files: Files,
  path: string,
  onProgress: (progress: CheckProgress) => void = () => {},
): AsyncGenerator<Finding, CheckProgress> {
  const { partitions, fileNames } = listFolder(files, path)
  yield* checkFiles(files, path, fileNames)
  const wasClean = fileNames.includes('.kafka_cleanshutdown')
  if (!wasClean)
    yield note(
      path,
      'there is no .kafka_cleanshutdown: a broker is on it, or the next start recovers what was written last',
    )
  const { identity, findings } = readIdentity(files, path, fileNames)
  yield* findings
  const metadata = checkMetadata(files, path, identity, wasClean)
  yield* metadata.findings
  const facts = new DirectoryFacts(files, path, metadata.image)
  yield* facts.missingFolders(new Set(partitions.map(({ name }) => name)))
  let progress: CheckProgress = {
    partitions: partitions.length,
    checkedPartitions: 0,
    segments: 0,
    records: 0,
    bytes: 0,
  }
  for (const folder of partitions) {
    const before = progress
    const onBytes = (bytes: number) => {
      progress = { ...progress, bytes: progress.bytes + bytes }
      onProgress(progress)
    }
    const totals = yield* firstFindings(
      checkFolder(files, `${path}/${folder.name}`, folder, facts, onBytes),
      `${path}/${folder.name}`,
    )
    progress = {
      partitions: before.partitions,
      checkedPartitions: before.checkedPartitions + 1,
      segments: before.segments + totals.segments,
      records: before.records + totals.records,
      bytes: before.bytes + totals.bytes,
    }
    onProgress(progress)
  }
  return progress
}

async function* checkFolder(
  files: Files,
  path: string,
  folder: PartitionFolder,
  facts: DirectoryFacts,
  onBytes: (bytes: number) => void,
) {
  if (folder.state === 'delete') {
    yield note(path, 'deleted; the next start removes it')
    return { segments: 0, records: 0, bytes: 0 }
  }
  if (folder.state !== undefined) yield note(path, `put aside (${folder.state})`)
  else yield* facts.strayness(path, folder)
  return yield* checkPartition(files, path, folder, facts.of(folder), onBytes)
}

/** A partition that is wrong from end to end is told of in a few lines. */
async function* firstFindings<Result>(
  findings: AsyncGenerator<Finding, Result>,
  path: string,
): AsyncGenerator<Finding, Result> {
  let problems = 0
  for (;;) {
    const step = await findings.next()
    if (step.done) {
      if (problems > MOST_FINDINGS) yield problem(path, `${problems - MOST_FINDINGS} more problems`)
      return step.value
    }
    if (step.value.kind === 'problem') problems++
    if (step.value.kind === 'note' || problems <= MOST_FINDINGS) yield step.value
  }
}

async function* checkFiles(
  files: Files,
  path: string,
  fileNames: readonly string[],
): AsyncGenerator<Finding> {
  for (const name of fileNames) {
    const known = kindOf(`${path}/${name}`)
    if (known === undefined) yield note(`${path}/${name}`, 'no file of a data directory has such a name')
    else if (known.state !== undefined) yield note(`${path}/${name}`, known.state)
    else {
      for await (const { type, fields } of dumpFile(files, `${path}/${name}`, { ...ALL, entries: false })) {
        if (type === 'problem')
          yield problem(`${path}/${name}`, String(fields.message), fields.position as number | undefined)
      }
    }
  }
}

function readIdentity(
  files: Files,
  path: string,
  fileNames: readonly string[],
): { identity: Identity | undefined; findings: Finding[] } {
  const file = `${path}/meta.properties`
  if (!fileNames.includes('meta.properties')) {
    return { identity: undefined, findings: [problem(path, 'there is no meta.properties')] }
  }
  const text = files.read(file).toString('utf8')
  const value = (name: string) => new RegExp(`^${name}=(.+)$`, 'm').exec(text)?.[1]?.trim()
  const lacking = ['version', 'cluster.id', 'node.id', 'directory.id'].filter(
    (name) => value(name) === undefined,
  )
  const findings = lacking.map((name) => problem(file, `there is no ${name} in it`))
  const version = value('version')
  if (version !== undefined && version !== '1')
    findings.push(problem(file, `version is ${version}, and only 1 is known`))
  const [nodeId, directoryId] = [value('node.id'), value('directory.id')]
  const isKnown = nodeId !== undefined && directoryId !== undefined
  return { identity: isKnown ? { nodeId: Number(nodeId), directoryId } : undefined, findings }
}

/** What the checkpoints and the metadata say of partitions. */
class DirectoryFacts {
  readonly #path: string
  readonly #image: MetadataImage | undefined
  readonly #logStarts: OffsetCheckpoint
  readonly #recoveryPoints: OffsetCheckpoint
  readonly #cleaned: OffsetCheckpoint

  constructor(files: Files, path: string, image: MetadataImage | undefined) {
    const read = (name: string): OffsetCheckpoint => {
      const file = `${path}/${name}`
      return (
        (files.exists(file) ? parseOffsetCheckpoint(files.read(file).toString('utf8')) : undefined) ??
        new Map()
      )
    }
    this.#path = path
    this.#image = image
    this.#logStarts = read('log-start-offset-checkpoint')
    this.#recoveryPoints = read('recovery-point-offset-checkpoint')
    this.#cleaned = read('cleaner-offset-checkpoint')
  }

  of({ topic, partition, state }: PartitionFolder): PartitionFacts {
    if (state !== undefined)
      return { topicId: undefined, mayHaveGaps: true, logStartOffset: undefined, recoveryPoint: undefined }
    const name = `${topic}-${partition}`
    return {
      topicId: this.#topic(topic)?.topicId,
      mayHaveGaps: this.#cleaned.has(name) || this.#isCompacted(topic),
      logStartOffset: this.#logStarts.get(name)?.offset,
      recoveryPoint: this.#recoveryPoints.get(name)?.offset,
    }
  }

  *strayness(path: string, { topic, partition }: PartitionFolder): Generator<Finding> {
    if (this.#image === undefined || topic === METADATA_TOPIC) return
    if (this.#topic(topic)?.partitions[partition] === undefined) {
      yield note(path, 'the metadata knows no such partition: the next start puts it aside as a stray')
    }
  }

  /** Partitions of which records were on the device. One that was never written to has no folder here. */
  *missingFolders(folders: ReadonlySet<string>): Generator<Finding> {
    for (const [name, { topic, partition, offset }] of this.#recoveryPoints) {
      if (offset === 0n || folders.has(name) || this.#topic(topic)?.partitions[partition] === undefined)
        continue
      yield problem(
        `${this.#path}/${name}`,
        `the folder is missing, and recovery-point-offset-checkpoint says ${offset}`,
      )
    }
  }

  #topic(name: string): TopicImage | undefined {
    return this.#image?.topic(name)
  }

  #isCompacted(topic: string): boolean {
    const policy = this.#image?.configs('topic', topic).get('cleanup.policy')
    return policy?.includes('compact') ?? topic.startsWith('__')
  }
}
