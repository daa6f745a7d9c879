import type { PartitionFolder } from '../dump/directory.ts'
import { dumpFile } from '../dump/dump-file.ts'
import { ALL } from '../dump/item.ts'
import type { MetadataImage, TopicImage } from '../metadata/metadata-image.ts'
import type { Files } from '../platform/platform.ts'
import type { PartitionFacts } from './check-partition.ts'
import { type Finding, note, problem } from './finding.ts'

export const METADATA_TOPIC = '__cluster_metadata'

interface Entry {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

/** What the checkpoints and the metadata say of partitions. */
export class DirectoryFacts {
  readonly #path: string
  readonly #image: MetadataImage | undefined
  readonly #wasClean: boolean
  readonly #logStarts: ReadonlyMap<string, Entry>
  readonly #recoveryPoints: ReadonlyMap<string, Entry>
  readonly #cleaned: ReadonlyMap<string, Entry>

  private constructor(
    path: string,
    image: MetadataImage | undefined,
    wasClean: boolean,
    [logStarts, recoveryPoints, cleaned]: readonly ReadonlyMap<string, Entry>[],
  ) {
    this.#path = path
    this.#image = image
    this.#wasClean = wasClean
    this.#logStarts = logStarts!
    this.#recoveryPoints = recoveryPoints!
    this.#cleaned = cleaned!
  }

  /** Reads the checkpoints. What is wrong with one is told elsewhere, and then it says nothing. */
  static async read(
    files: Files,
    path: string,
    image: MetadataImage | undefined,
    wasClean: boolean,
  ): Promise<DirectoryFacts> {
    const names = [
      'log-start-offset-checkpoint',
      'recovery-point-offset-checkpoint',
      'cleaner-offset-checkpoint',
    ]
    const checkpoints: ReadonlyMap<string, Entry>[] = []
    for (const name of names) checkpoints.push(await readCheckpoint(files, `${path}/${name}`, image))
    return new DirectoryFacts(path, image, wasClean, checkpoints)
  }

  of({ topic, partition, state }: PartitionFolder): PartitionFacts {
    const isAside = state !== undefined || this.isStray({ topic, partition })
    const name = `${topic}-${partition}`
    return {
      isAside,
      wasClean: this.#wasClean,
      topicId: isAside ? undefined : this.#topic(topic)?.topicId,
      mayHaveGaps: isAside || this.#cleaned.has(name) || this.#isCompacted(topic),
      logStartOffset: isAside ? undefined : this.#logStarts.get(name)?.offset,
      recoveryPoint: isAside ? undefined : this.#recoveryPoints.get(name)?.offset,
    }
  }

  isStray({ topic, partition }: { readonly topic: string; readonly partition: number }): boolean {
    if (this.#image === undefined || topic === METADATA_TOPIC) return false
    return this.#topic(topic)?.partitions[partition] === undefined
  }

  *strayness(path: string, folder: PartitionFolder): Generator<Finding> {
    if (this.isStray(folder))
      yield note(path, 'the metadata knows no such partition: the next start puts it aside as a stray')
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

/** Entries of partitions that the metadata knows, of all when there is none: a file that is not what it should be might have any number. */
async function readCheckpoint(
  files: Files,
  path: string,
  image: MetadataImage | undefined,
): Promise<ReadonlyMap<string, Entry>> {
  const entries = new Map<string, Entry>()
  if (!files.exists(path)) return entries
  for await (const { type, fields } of dumpFile(files, path, ALL)) {
    if (type === 'problem') return new Map()
    if (type !== 'entry') continue
    const { topic, partition, offset } = fields as unknown as Entry
    if (image === undefined || image.topic(topic))
      entries.set(`${topic}-${partition}`, { topic, partition, offset })
  }
  return entries
}
