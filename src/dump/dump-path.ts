import type { Files } from '../platform/platform.ts'
import { type Listing, listFolder, type PartitionFolder, surveyPartition } from './directory.ts'
import { dumpFile, reasonOf } from './dump-file.ts'
import { type FileKind, kindOf } from './file-kind.ts'
import { ALL, type DumpItem, type DumpOptions, note, problem } from './item.ts'

/** Which partitions of a data directory are dumped in full; without it there is a summary of all. */
export interface PartitionChoice {
  readonly topic: string
  /** All of them when undefined. */
  readonly partition: number | undefined
}

/** Everything in a file, in the folder of a partition, or in a data directory. */
export async function* dumpPath(
  files: Files,
  path: string,
  choice: PartitionChoice | undefined,
  options: DumpOptions,
): AsyncGenerator<DumpItem> {
  const trimmed = path.length > 1 ? path.replace(/\/+$/, '') : path
  let listing: Listing
  try {
    listing = listFolder(files, trimmed)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const isFile = code === 'ENOTDIR' || (code === 'ENOENT' && files.exists(trimmed))
    if (isFile) yield* dumpFile(files, trimmed, options)
    else {
      yield { type: 'file', fields: { path: trimmed } }
      yield problem(reasonOf(error))
    }
    return
  }
  if (!listing.isKnown) {
    yield { type: 'file', fields: { path: trimmed } }
    yield problem(
      listing.fileNames.length === 0 ? 'the folder is empty' : 'the folder holds nothing of a data directory',
    )
  } else if (listing.isPartition) yield* dumpFolder(files, trimmed, listing.fileNames, options)
  else if (choice === undefined) yield* summary(files, trimmed, listing)
  else yield* dumpChosen(files, trimmed, listing, choice, options)
}

/** False when the path is a data directory, and none of its folders is of those partitions. */
export function hasChosen(files: Files, path: string, choice: PartitionChoice): boolean {
  try {
    const { isPartition, isKnown, partitions } = listFolder(files, path)
    return isPartition || !isKnown || partitions.some((each) => isChosen(each, choice))
  } catch {
    // Whatever it is, the dump tells.
    return true
  }
}

function isChosen(folder: PartitionFolder, { topic, partition }: PartitionChoice): boolean {
  return folder.topic === topic && (partition === undefined || folder.partition === partition)
}

/** A segment comes before what lies beside it, and what belongs to no segment last. */
const ORDER: readonly (FileKind | undefined)[] = [
  'segment',
  'metadata snapshot',
  'offset index',
  'time index',
  'transaction index',
  'producer snapshot',
]

function inOrder(fileNames: readonly string[]): readonly string[] {
  const rank = (name: string) => {
    const known = kindOf(name)
    const place = ORDER.indexOf(known?.kind)
    return `${known?.baseOffset === undefined ? '~' : name.slice(0, 20)}${place < 0 ? ORDER.length : place}${name}`
  }
  return [...fileNames].sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
}

/** All files of a partition, those of a segment one after the other. With a range of offsets only its log. */
async function* dumpFolder(
  files: Files,
  path: string,
  fileNames: readonly string[],
  options: DumpOptions,
): AsyncGenerator<DumpItem> {
  const { offsets } = options
  const names = inOrder(fileNames)
  for (const [index, name] of names.entries()) {
    const known = kindOf(name)
    if (known === undefined) {
      if (offsets === undefined) yield note(`${path}/${name} is no file of a partition`)
      continue
    }
    if (offsets !== undefined) {
      if (known.kind !== 'segment') continue
      const next = names.slice(index + 1).find((each) => kindOf(each)?.kind === 'segment')
      const nextOffset = next === undefined ? undefined : kindOf(next)?.baseOffset
      if (nextOffset !== undefined && nextOffset <= offsets.from) continue
      if (known.baseOffset !== undefined && known.baseOffset > offsets.to) continue
    }
    // A broker that runs may have removed it by now.
    if (files.exists(`${path}/${name}`)) yield* dumpFile(files, `${path}/${name}`, options)
  }
}

async function* dumpChosen(
  files: Files,
  path: string,
  { partitions }: Listing,
  choice: PartitionChoice,
  options: DumpOptions,
): AsyncGenerator<DumpItem> {
  const { topic, partition } = choice
  const chosen = partitions.filter((each) => isChosen(each, choice))
  if (chosen.length === 0) {
    yield { type: 'file', fields: { path } }
    yield problem(`it has no partition ${partition === undefined ? `of ${topic}` : `${topic}-${partition}`}`)
  }
  for (const { name } of chosen) {
    try {
      yield* dumpFolder(files, `${path}/${name}`, listFolder(files, `${path}/${name}`).fileNames, options)
    } catch (error) {
      yield { type: 'file', fields: { path: `${path}/${name}` } }
      yield problem(reasonOf(error))
    }
  }
}

/** Who the directory belongs to, a line for each partition, and all that is wrong. */
async function* summary(files: Files, path: string, listing: Listing): AsyncGenerator<DumpItem> {
  for (const name of listing.fileNames) {
    const known = kindOf(name)
    // Other programs have files that end in .log too.
    if (known === undefined || (known.kind === 'segment' && known.baseOffset === undefined)) continue
    const isShown = known.kind === 'properties' || known.kind === 'clean shutdown'
    let head: DumpItem | undefined
    for await (const item of dumpFile(files, `${path}/${name}`, { ...ALL, entries: isShown })) {
      if (item.type === 'file') {
        head = item
        if (isShown) yield item
      } else if (item.type === 'problem')
        yield { ...item, fields: { path: `${path}/${name}`, ...item.fields } }
      else if (isShown && head !== undefined) yield item
    }
  }
  if (!listing.fileNames.includes('meta.properties')) yield note(`${path} has no meta.properties`)
  for (const folder of listing.partitions) yield* surveyPartition(files, path, folder)
}
