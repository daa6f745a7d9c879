import { type DataDirectory, DataDirectoryError } from '../log/data-directory.ts'
import type { Files } from '../platform/platform.ts'
import { ZERO_UUID } from '../protocol/api.ts'
import { ZkMigrationStateRecord } from '../protocol/generated/metadata-records.ts'
import { KRAFT_VERSION, supportedFeatures } from './features.ts'
import { MetadataImage, type PartitionImage, type TopicImage } from './metadata-image.ts'
import type { MetadataBatch } from './metadata-record.ts'
import { METADATA_VERSION } from './metadata-version.ts'
import { findForeignGroup, findOpenTransaction, hasShareState } from './topic-files.ts'

const OFFSETS_TOPIC = '__consumer_offsets'
const TRANSACTION_TOPIC = '__transaction_state'
const SHARE_TOPIC = '__share_group_state'
/** States of a migration from ZooKeeper (KIP-866) in which the cluster is not a whole one without it. */
const MIGRATING: readonly number[] = [1, 2]

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
  /** Ids of the voters, by the last leader. */
  #voterIds: readonly number[] | undefined
  #zkMigrationState = 0

  constructor({ directory, nodeId }: CarryOverOptions) {
    this.#directory = directory
    this.#nodeId = nodeId
  }

  /** To be called with every batch of the metadata. */
  look({ control, records, unknownRecords }: MetadataBatch): void {
    this.#unknownRecord ??= unknownRecords?.[0] ?? control?.unknownRecord
    this.#voterIds = control?.voterIds ?? this.#voterIds
    for (const { codec, message } of records) {
      if (codec.key !== ZkMigrationStateRecord.key) continue
      this.#zkMigrationState = (message as ZkMigrationStateRecord).zkMigrationState
    }
  }

  /** Throws `DataDirectoryError` when the directory, with the image that its metadata came to, cannot be taken up. */
  check(image: MetadataImage): void {
    this.#refuse(this.#featureProblem(image) ?? this.#clusterProblem(image) ?? this.#topicProblem(image))
  }

  /** The same for the features of a cluster that has yet to be founded, by the records that it will begin with. */
  checkFeatures(bootstrap: readonly MetadataBatch[]): void {
    const image = new MetadataImage()
    for (const batch of bootstrap) image.replay(batch)
    this.#refuse(this.#featureProblem(image))
  }

  #refuse(reason: string | undefined): void {
    if (reason === undefined) return
    throw new DataDirectoryError(`${this.#directory.path} cannot be taken up: ${reason}`)
  }

  #featureProblem(image: MetadataImage): string | undefined {
    const { features, quorum } = image
    for (const [name, level] of [...features, [KRAFT_VERSION, quorum.kraftVersion] as const]) {
      const supported = supportedFeatures.find((feature) => feature.name === name)
      if (!supported) return `its feature ${name} (level ${level}) is not known here`
      const { minVersion, maxVersion } = supported
      if (level < minVersion || level > maxVersion) {
        return `its ${name} is ${level}, and only ${minVersion} to ${maxVersion} are supported here`
      }
    }
    if (this.#unknownRecord !== undefined)
      return `its metadata has ${this.#unknownRecord}, which is not known here`
    if (MIGRATING.includes(this.#zkMigrationState)) return 'it is being migrated from ZooKeeper'
    if (!features.has(METADATA_VERSION) && image.registrations.size > 0) {
      return `it has no ${METADATA_VERSION}, so that it is of a release before 3.3`
    }
    return undefined
  }

  #clusterProblem(image: MetadataImage): string | undefined {
    const voterProblem =
      image.quorum.kraftVersion > 0 ? this.#dynamicVoterProblem(image) : this.#staticVoterProblem(image)
    if (voterProblem !== undefined) return voterProblem
    const others = [...image.registrations.keys()].filter((id) => id !== this.#nodeId)
    if (others.length > 0) {
      return `its cluster has other brokers, the nodes ${others.join(', ')}, and here it is one (kafka-cluster.sh unregister makes it forget one)`
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

  #staticVoterProblem(image: MetadataImage): string | undefined {
    // A snapshot does not tell who votes, but which controllers there are.
    const voters = this.#voterIds ?? image.carried.controllerIds()
    if (voters.every((id) => id === this.#nodeId)) return undefined
    return `its controllers are the nodes ${voters.join(', ')}, and ${this.#mustBeAlone()}`
  }

  /** KIP-853: a node that has lost its directory is another voter. */
  #dynamicVoterProblem({ quorum }: MetadataImage): string | undefined {
    const ids = quorum.voters.map(({ voterId }) => voterId)
    if (ids.length === 0)
      return `it tells no voter, so that it waits to be added to a quorum, and ${this.#mustBeAlone()}`
    if (ids.length > 1 || ids[0] !== this.#nodeId) {
      return `its controllers are the nodes ${ids.join(', ')}, and ${this.#mustBeAlone()}`
    }
    const { voterDirectoryId } = quorum.voters[0]!
    const { directoryId } = this.#directory
    if (voterDirectoryId === directoryId) return undefined
    return `its voter is node ${ids[0]} with the directory ${voterDirectoryId}, and meta.properties says directory.id=${directoryId}`
  }

  #mustBeAlone(): string {
    return `this node ${this.#nodeId} can only be the one controller of its cluster`
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
    for (const folder of this.#foldersOf(image.topic(OFFSETS_TOPIC))) {
      const group = findForeignGroup(files, folder)
      if (group !== undefined)
        return `its group ${group.groupId} is a ${group.kind} group, and those are not supported here: delete it with Apache Kafka first`
    }
    if (this.#foldersOf(image.topic(SHARE_TOPIC)).some((folder) => hasShareState(files, folder))) {
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
