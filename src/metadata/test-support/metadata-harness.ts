import { BrokerConfig } from '../../config/broker-config.ts'
import { DataDirectory } from '../../log/data-directory.ts'
import type { Partition } from '../../log/partition.ts'
import { Partitions } from '../../log/partitions.ts'
import { DATA, seededRandom, storageSettings } from '../../log/test-support/storage.ts'
import { silentLogger } from '../../platform/logger.ts'
import { ManualClock } from '../../platform/manual-clock.ts'
import { MemoryFiles } from '../../platform/memory-files.ts'
import type { Files, Random } from '../../platform/platform.ts'
import { Controller } from '../controller.ts'
import { MetadataFollower } from '../metadata-follower.ts'
import type { MetadataImage } from '../metadata-image.ts'
import { metadataLogConfig } from '../metadata-log.ts'
import type { MetadataBatch } from '../metadata-record.ts'
import type { NewTopic } from '../topic-operations.ts'

export const METADATA_FOLDER = `${DATA}/__cluster_metadata-0`

export interface MetadataHarnessOptions {
  /** What is on disk already. */
  readonly files?: Files
  /** A new one when left out. */
  readonly clock?: ManualClock
  readonly properties?: Readonly<Record<string, string>>
  readonly random?: Random
}

/** A controller on in-memory files, and a broker's image and partitions that follow its log. */
export class MetadataHarness {
  readonly files: Files
  readonly clock: ManualClock
  readonly config: BrokerConfig
  readonly directory: DataDirectory
  readonly partitions: Partitions
  readonly metadataLog: Partition
  readonly controller: Controller
  readonly follower: MetadataFollower
  readonly image: MetadataImage
  readonly deletedTopics: string[] = []
  readonly batches: MetadataBatch[] = []

  private constructor(options: MetadataHarnessOptions) {
    const { files = new MemoryFiles(), properties = {}, random = seededRandom() } = options
    const { clock = new ManualClock() } = options
    this.clock = clock
    this.files = files
    this.config = BrokerConfig.fromProperties(new Map(Object.entries(properties)))
    this.directory = DataDirectory.open({ files, random, path: DATA, nodeId: 1 })
    this.partitions = new Partitions({
      directory: this.directory,
      clock,
      random,
      logger: silentLogger,
      settings: () => storageSettings,
    })
    const log = this.partitions.openMetadataLog(metadataLogConfig(this.config))
    this.metadataLog = log
    const { directory, config } = this
    this.controller = new Controller({
      log,
      directory,
      clock,
      random,
      logger: silentLogger,
      nodeId: 1,
      config,
    })
    const { partitions } = this
    const reactions = {
      onTopicsDeleted: (names: readonly string[]) => void this.deletedTopics.push(...names),
      onTopicsChanged: () => {},
      onChange: () => {},
    }
    this.follower = new MetadataFollower({ nodeId: 1, config, partitions, reactions })
    this.image = this.follower.image
    this.controller.subscribe((batch) => {
      this.batches.push(batch)
      this.follower.follow(batch)
    })
  }

  static async start(options: MetadataHarnessOptions = {}): Promise<MetadataHarness> {
    const harness = new MetadataHarness(options)
    try {
      harness.controller.load()
    } catch (error) {
      harness.directory.giveBack()
      throw error
    }
    await harness.partitions.start(harness.follower.goLive())
    await harness.controller.start([{ name: 'PLAINTEXT', host: 'localhost', port: 9092 }])
    return harness
  }

  /** Names of the record types of all batches from `from` on, and whether a leader began there. */
  written(from = 0): string[][] {
    return this.batches
      .slice(from)
      .map(({ control, records }) =>
        control?.leaderId === undefined
          ? records.map(({ codec, version }) => `${codec.name.replace('Record', '')} ${version}`)
          : [`leader ${control.leaderId}`],
      )
  }

  /** Stops as a broker does; what is on disk can be started on again. */
  async stop(): Promise<void> {
    await this.controller.stop()
    await this.partitions.stop(this.image.brokers.get(1)!.epoch)
  }
}

/** A topic as a client asks for it, with what a test says. */
export function newTopic(name: string, rest: Partial<NewTopic> = {}): NewTopic {
  return { name, partitions: 1, replicationFactor: 1, assignments: [], configs: new Map(), ...rest }
}
