import { listFolder, type PartitionFolder } from '../dump/directory.ts'
import { dumpFile } from '../dump/dump-file.ts'
import { kindOf } from '../dump/file-kind.ts'
import { ALL } from '../dump/item.ts'
import type { Files } from '../platform/platform.ts'
import { checkMetadata, type Identity } from './check-metadata.ts'
import { checkPartition } from './check-partition.ts'
import { DirectoryFacts } from './directory-facts.ts'
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
/** Odradek writes it into the folder that it chose itself. */
const OF_NO_INTEREST = '.gitignore'
/** Names that a folder must not have. */
const FILE_NAMES: ReadonlySet<string> = new Set([
  'meta.properties',
  'recovery-point-offset-checkpoint',
  'log-start-offset-checkpoint',
  'replication-offset-checkpoint',
  'cleaner-offset-checkpoint',
])

export interface CheckOptions {
  /** Called for every batch. */
  readonly onProgress?: (progress: CheckProgress) => void
  /** Who has the directory open, in words: what it has not written yet is not missing. */
  readonly user?: string | undefined
}

/**
 * Checks a data directory without writing to it, file by file, and all of them against each other. At the end it returns what was there.
 * Throws Node's error when the folder cannot be listed.
 */
export async function* checkDirectory(
  files: Files,
  path: string,
  { onProgress = () => {}, user }: CheckOptions = {},
): AsyncGenerator<Finding, CheckProgress> {
  const { partitions, fileNames } = listFolder(files, path)
  const isInUse = user !== undefined
  if (isInUse) yield note(path, `a broker (${user}) is on it: what it has yet to write is not looked for`)
  yield* checkFolders(files, path, new Set(partitions.map(({ name }) => name)))
  yield* checkFiles(files, path, fileNames)
  const wasClean = fileNames.includes('.kafka_cleanshutdown')
  if (!wasClean && !isInUse)
    yield note(path, 'there is no .kafka_cleanshutdown: the next start recovers what was written last')
  const { identity, findings } = readIdentity(files, path, fileNames)
  yield* findings
  const metadata = checkMetadata(files, path, identity, { wasClean, hasPartitions: partitions.length > 0 })
  yield* metadata.findings
  const facts = await DirectoryFacts.read(files, path, metadata.image, wasClean)
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
      checkFolder(files, `${path}/${folder.name}`, folder, facts, { onBytes, isInUse }),
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
  how: { readonly onBytes: (bytes: number) => void; readonly isInUse: boolean },
) {
  if (folder.state === 'delete') {
    yield note(path, 'deleted; the next start removes it')
    return { segments: 0, records: 0, bytes: 0 }
  }
  if (folder.state !== undefined) yield note(path, `put aside (${folder.state})`)
  else yield* facts.strayness(path, folder)
  return yield* checkPartition(files, path, folder, facts.of(folder), how)
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

/** Folders that hold no partition. */
function* checkFolders(files: Files, path: string, partitions: ReadonlySet<string>): Generator<Finding> {
  for (const { name, isDirectory } of files.list(path)) {
    if (!isDirectory || partitions.has(name)) continue
    if (FILE_NAMES.has(name)) yield problem(`${path}/${name}`, 'it is a folder')
    else yield note(`${path}/${name}`, 'the folder is of no partition: Apache Kafka would not start with it')
  }
}

async function* checkFiles(
  files: Files,
  path: string,
  fileNames: readonly string[],
): AsyncGenerator<Finding> {
  for (const name of fileNames) {
    if (name === OF_NO_INTEREST) continue
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
  let text: string
  try {
    text = files.read(file).toString('utf8')
  } catch {
    // Told of with the other files.
    return { identity: undefined, findings: [] }
  }
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
