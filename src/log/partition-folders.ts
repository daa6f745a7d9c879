import type { Logger } from '../platform/logger.ts'
import type { Files, Random } from '../platform/platform.ts'
import type { DataDirectory } from './data-directory.ts'
import {
  detachedDirectoryName,
  isDeletedDirectoryName,
  isDetachedDirectoryName,
  parsePartitionDirectoryName,
} from './segment-names.ts'

/** The folders of the partitions in a data directory. */
export class PartitionFolders {
  readonly #directory: DataDirectory
  readonly #random: Random
  readonly #logger: Logger
  /** Folders that were there at the start, or that could not be renamed when their partition was deleted. */
  readonly #found = new Set<string>()
  /** Folders of partitions that were deleted before the start. */
  readonly deleted: string[] = []

  constructor(directory: DataDirectory, random: Random, logger: Logger) {
    this.#directory = directory
    this.#random = random
    this.#logger = logger
    for (const { name, isDirectory } of directory.files.list(directory.path)) {
      if (!isDirectory) continue
      if (isDeletedDirectoryName(name)) this.deleted.push(`${directory.path}/${name}`)
      else if (parsePartitionDirectoryName(name)) this.#found.add(name)
      else if (!isDetachedDirectoryName(name)) {
        const path = `${directory.path}/${name}`
        logger.warn({ path }, 'a folder of no partition is left alone; Apache Kafka would not start with it')
      }
    }
  }

  path(name: string): string {
    return `${this.#directory.path}/${name}`
  }

  /** Does the folder hold what a partition may take up? */
  has(name: string): boolean {
    return this.#found.has(name)
  }

  /** Bytes in the segments of a folder that nobody has taken up yet; 0 when there is none. */
  sizeInBytes(name: string): number {
    if (!this.has(name)) return 0
    const { files } = this.#directory
    let size = 0
    for (const entry of files.list(this.path(name))) {
      if (entry.isDirectory || !entry.name.endsWith('.log')) continue
      const file = files.open(`${this.path(name)}/${entry.name}`, 'read')
      size += file.size()
      file.close()
    }
    return size
  }

  /**
   * Takes up the folder of a partition: false when there is none. One that belongs to another topic of the same name (a crash came
   * between deleting and renaming) is put aside, so that the new topic does not show old records. May be called again when what came
   * after it failed: a partition must never begin anew over files that are there.
   */
  claim(name: string, topicId: string): boolean {
    if (!this.#found.has(name)) return false
    const stored = this.#readTopicId(name)
    if (stored === topicId) return true
    if (stored === undefined) {
      // Apache Kafka would take the folder for a stray without it.
      this.#directory.files.replace(metadataPath(this.path(name)), partitionMetadata(topicId))
      this.#logger.warn({ folder: name }, 'partition.metadata was missing or damaged, and was written anew')
      return true
    }
    this.#putAside(name, `it belongs to topic id ${stored}, not ${topicId}`)
    return false
  }

  #readTopicId(name: string): string | undefined {
    const path = metadataPath(this.path(name))
    if (!this.#directory.files.exists(path)) return undefined
    // One that is cut off is no other topic's.
    return /^topic_id: *([A-Za-z0-9_-]{22})$/m.exec(this.#directory.files.read(path).toString('utf8'))?.[1]
  }

  /** Renames folders that no partition of this broker answers to: nothing is thrown away that was not deleted on purpose. */
  putAsideStrays(isWanted: (name: string) => boolean): void {
    for (const name of this.#found) {
      if (isWanted(name)) continue
      this.#putAside(name, 'the metadata knows no such partition')
    }
  }

  #putAside(name: string, reason: string): void {
    const { topic, partition } = parsePartitionDirectoryName(name)!
    const aside = detachedDirectoryName(topic, partition, this.#random.bytes(16), 'stray')
    this.#directory.files.rename(this.path(name), this.path(aside))
    this.#found.delete(name)
    this.#logger.warn({ folder: name, renamedTo: aside, reason }, 'put a stray folder aside')
  }

  /** Renames the folder of a deleted partition; its new path, or undefined when there is no folder. */
  detach(topic: string, partition: number): string | undefined {
    const name = `${topic}-${partition}`
    const { files } = this.#directory
    if (!files.exists(this.path(name))) return undefined
    const path = this.path(detachedDirectoryName(topic, partition, this.#random.bytes(16), 'delete'))
    // Should it stay where it is, a new partition of that name has to put it aside.
    this.#found.add(name)
    files.rename(this.path(name), path)
    this.#found.delete(name)
    return path
  }
}

/** Makes the folder of a partition that is written to for the first time. Throws when somebody has put a log there meanwhile. */
export function makePartitionFolder(files: Files, path: string, topicId: string): void {
  files.makeDirectory(path)
  if (files.list(path).some(({ name }) => name.endsWith('.log')))
    throw new Error(`${path} holds segments that were not there when the broker started: start it again`)
  // Without this file Apache Kafka takes the folder for a stray and serves an empty log (KIP-516).
  const file = files.open(metadataPath(path), 'create')
  try {
    file.write([Buffer.from(partitionMetadata(topicId))], 0)
  } finally {
    file.close()
  }
}

/** Brings to the device whose folder it is: one that does not say so is taken for that of the topic that has its name by then. */
export async function flushPartitionFolder(files: Files, path: string): Promise<void> {
  // The topic may be deleted by now.
  if (!files.exists(metadataPath(path))) return
  const file = files.open(metadataPath(path), 'write')
  try {
    await file.flush()
  } finally {
    file.close()
  }
}

function metadataPath(folder: string): string {
  return `${folder}/partition.metadata`
}

/** The content of a `partition.metadata` file. */
function partitionMetadata(topicId: string): string {
  return `version: 0\ntopic_id: ${topicId}`
}
