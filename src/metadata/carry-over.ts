import { type DataDirectory, DataDirectoryError } from '../log/data-directory.ts'
import type { Files } from '../platform/platform.ts'
import { ZERO_UUID } from '../protocol/api.ts'
import { supportedFeatures } from './features.ts'
import type { MetadataImage, PartitionImage, TopicImage } from './metadata-image.ts'
import type { MetadataBatch } from './metadata-record.ts'
import { findOpenTransaction, hasRecords } from './topic-files.ts'

const TRANSACTION_TOPIC = '__transaction_state'
const SHARE_TOPIC = '__share_group_state'

export interface CarryOverOptions {
  readonly directory: Pick<DataDirectory, 'files' | 'path' | 'directoryId'>
  readonly nodeId: number
}

/**
 * Finds what another broker has left in a directory that this one has no counterpart for. Taking it up all the same would lose it, or serve
 * something else than was written: so the start is refused, in one line that names it, before anything is touched.
 */
export class CarryOver {
  readonly #directory: CarryOverOptions['directory']
  readonly #nodeId: number
  #unknownRecord: string | undefined
  #kraftVersion = 0
  #voters: readonly number[] | undefined

  constructor({ directory, nodeId }: CarryOverOptions) {
    this.#directory = directory
    this.#nodeId = nodeId
  }

  /** To be called with every batch of the metadata. */
  look({ control, unknownRecords }: MetadataBatch): void {
    this.#unknownRecord ??= unknownRecords?.[0]
    if (control === undefined) return
    this.#kraftVersion = control.kraftVersion ?? this.#kraftVersion
    this.#voters = control.voters ?? this.#voters
  }

  /** Throws `DataDirectoryError` when the directory, with the image that its metadata came to, cannot be taken up. */
  check(image: MetadataImage): void {
    const reason = this.#featureProblem(image) ?? this.#clusterProblem(image) ?? this.#topicProblem(image)
    if (reason === undefined) return
    throw new DataDirectoryError(`${this.#directory.path} cannot be taken up: ${reason}`)
  }

  #featureProblem({ features }: MetadataImage): string | undefined {
    for (const [name, level] of features) {
      const supported = supportedFeatures.find((feature) => feature.name === name)
      if (!supported) return `its feature ${name} (level ${level}) is not known here`
      const { minVersion, maxVersion } = supported
      if (level < minVersion || level > maxVersion) {
        return `its ${name} is ${level}, and only ${minVersion} to ${maxVersion} are supported here`
      }
    }
    if (this.#kraftVersion > 0) {
      return `its kraft.version is ${this.#kraftVersion}, and controllers that change while they run (KIP-853) are not supported here`
    }
    if (this.#unknownRecord !== undefined)
      return `its metadata has ${this.#unknownRecord}, which is not known here`
    return undefined
  }

  #clusterProblem(image: MetadataImage): string | undefined {
    // A snapshot does not tell who votes, but which controllers there are.
    const voters = this.#voters ?? image.carried.controllerIds()
    if (voters.some((id) => id !== this.#nodeId)) {
      return `its controllers are the nodes ${voters.join(', ')}, and this node ${this.#nodeId} can only be the one controller of its cluster`
    }
    const { directoryId } = this.#directory
    const logDirs = image.registrations.get(this.#nodeId)?.logDirs ?? []
    if (logDirs.length > 1) {
      return `its broker kept logs in ${logDirs.length} directories (log.dirs), and here it is one`
    }
    if (logDirs.length === 1 && logDirs[0] !== directoryId) {
      return `its metadata names the directory ${logDirs[0]}, and meta.properties says directory.id=${directoryId}`
    }
    return undefined
  }

  #topicProblem(image: MetadataImage): string | undefined {
    for (const topic of image.topics.values()) {
      const problem = this.#placementProblem(topic)
      if (problem !== undefined) return problem
      if (image.configs('topic', topic.name).get('remote.storage.enable')?.toLowerCase() === 'true') {
        return `its topic ${topic.name} is in tiered storage (remote.storage.enable), which is not supported here`
      }
    }
    const { files } = this.#directory
    for (const folder of this.#foldersOf(image.topic(TRANSACTION_TOPIC))) {
      const open = findOpenTransaction(files, folder)
      if (open !== undefined) {
        return `its transaction ${open.transactionalId} is ${open.status}, and transactions are not supported here: end it with Apache Kafka first`
      }
    }
    if (this.#foldersOf(image.topic(SHARE_TOPIC)).some((folder) => hasRecords(files, folder))) {
      return `its ${SHARE_TOPIC} holds the state of share groups, which are not supported here`
    }
    return undefined
  }

  #placementProblem({ name, partitions }: TopicImage): string | undefined {
    for (const each of partitions) {
      const elsewhere = each.replicas.filter((id) => id !== this.#nodeId)
      if (elsewhere.length > 0) {
        return `its partition ${name}-${each.partition} has replicas on other brokers (${elsewhere.join(', ')}), and here it is one`
      }
      if (this.#isInOtherDirectory(each)) {
        return `its partition ${name}-${each.partition} lies in the directory ${each.directories[0]}, which is not this one`
      }
    }
    return undefined
  }

  #isInOtherDirectory({ directories }: PartitionImage): boolean {
    const [directory = ZERO_UUID] = directories
    // No directory yet: records from before KIP-858, or a broker that has yet to decide.
    return directory !== ZERO_UUID && directory !== this.#directory.directoryId
  }

  #foldersOf(topic: TopicImage | undefined): string[] {
    if (!topic) return []
    const { files, path } = this.#directory
    return existingFolders(
      files,
      topic.partitions.map(({ partition }) => `${path}/${topic.name}-${partition}`),
    )
  }
}

function existingFolders(files: Files, paths: readonly string[]): string[] {
  return paths.filter((path) => files.exists(path))
}
