import type { BrokerConfig } from '../config/broker-config.ts'
import type { Logger } from '../platform/logger.ts'
import type { Clock, Files, Timer } from '../platform/platform.ts'
import type { MetadataImage } from './metadata-image.ts'
import type { MetadataLog } from './metadata-log.ts'
import { encodeSnapshot, listSnapshots, measureSnapshot, snapshotName } from './metadata-snapshot.ts'

export interface MetadataSnapshotsOptions {
  readonly files: Files
  /** Folder of the metadata log, and of its snapshots. */
  readonly folder: string
  readonly log: MetadataLog
  readonly image: MetadataImage
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Writes a snapshot of the metadata when the log has grown by `metadata.log.max.record.bytes.between.snapshots`, or has grown at all within
 * `metadata.log.max.snapshot.interval.ms`. Then it lets go of what the next snapshot covers, as `metadata.max.retention.bytes` and `.ms` say.
 */
export class MetadataSnapshots {
  readonly #options: MetadataSnapshotsOptions
  /** What the log has grown by since the last snapshot. */
  #newBytes = 0
  #lastTimestamp = -1n
  #timer: Timer | undefined
  #isOverdue = false
  #writing: Promise<void> = Promise.resolve()
  #isBusy = false
  #isStopped = false

  constructor(options: MetadataSnapshotsOptions) {
    this.#options = options
  }

  /** Removes what a crash left half written. */
  removeUnfinished(): void {
    const { files, folder } = this.#options
    for (const { name } of files.list(folder)) {
      if (name.endsWith('.checkpoint.part')) files.remove(`${folder}/${name}`)
    }
  }

  /** The image has taken in a batch of so many bytes, with this time. */
  grown(bytes: number, timestamp: bigint): void {
    this.#newBytes += bytes
    this.#lastTimestamp = timestamp
  }

  /** To be called when the image stands between two operations. */
  writeIfDue(): void {
    const { config, clock, image } = this.#options
    if (this.#newBytes === 0 || this.#isStopped || this.#isBusy) return
    const intervalMs = config.get('metadata.log.max.snapshot.interval.ms')
    if (!this.#timer && intervalMs > 0) {
      this.#timer = clock.schedule(intervalMs, () => {
        this.#timer = undefined
        this.#isOverdue = true
        this.writeIfDue()
      })
    }
    const isLarge = this.#newBytes >= config.get('metadata.log.max.record.bytes.between.snapshots')
    // What a transaction has done so far is not in the image.
    if ((isLarge || this.#isOverdue) && !image.isInTransaction) this.#write()
  }

  #write(): void {
    const { clock, image, logger } = this.#options
    const reason = this.#isOverdue ? 'metadata.log.max.snapshot.interval.ms' : 'bytes since the last one'
    this.#timer?.cancel()
    this.#timer = undefined
    this.#isOverdue = false
    this.#newBytes = 0
    this.#isBusy = true
    const chunks = [...encodeSnapshot(image, this.#lastTimestamp, clock.now())]
    const endOffset = image.lastAppliedOffset + 1n
    this.#writing = this.#store(chunks, endOffset, image.lastAppliedEpoch)
      .then(() => {
        logger.info({ endOffset, reason }, 'wrote a snapshot of the metadata')
        this.#removeCovered()
      })
      // The log still has all of it.
      .catch((error: unknown) => logger.error({ err: error }, 'cannot write a snapshot of the metadata'))
      .finally(() => {
        this.#isBusy = false
        this.writeIfDue()
      })
  }

  /** Under another name until it is whole and on the device, and never ahead of the log. */
  async #store(chunks: readonly Buffer[], endOffset: bigint, epoch: number): Promise<void> {
    const { files, folder, log } = this.#options
    const path = `${folder}/${snapshotName(endOffset, epoch)}`
    await log.flush()
    const file = files.open(`${path}.part`, 'create')
    try {
      file.truncate(0)
      file.write(chunks, 0)
      await file.flush()
    } finally {
      file.close()
    }
    files.rename(`${path}.part`, path)
    await files.flushDirectory(folder)
  }

  /** The newest snapshot always stays, and so does the log from the oldest that is left on. */
  #removeCovered(): void {
    const { files, folder, config, clock, log, logger } = this.#options
    const snapshots = listSnapshots(files, folder)
    const measures = snapshots.map((snapshot) => measureSnapshot(files, snapshot))
    const maxBytes = config.get('metadata.max.retention.bytes')
    const maxMs = config.get('metadata.max.retention.ms')
    let snapshotBytes = measures.reduce((sum, { bytes }) => sum + bytes, 0)
    let removed = 0
    for (; removed < snapshots.length - 1; removed++) {
      const { bytes, timestampMs } = measures[removed]!
      const isTooMuch = maxBytes >= 0 && snapshotBytes + log.sizeInBytes > maxBytes
      const isTooOld = maxMs >= 0 && clock.now() - timestampMs > maxMs
      if (!isTooMuch && !isTooOld) break
      // The log first: what is left must never lack what comes before it.
      log.deleteBefore(snapshots[removed + 1]!.endOffset)
      files.remove(snapshots[removed]!.path)
      snapshotBytes -= bytes
    }
    if (removed === 0) return
    const facts = { snapshots: removed, logStartOffset: log.startOffset }
    logger.info(facts, 'removed old snapshots of the metadata, and the log that the next one covers')
  }

  /** Waits for the snapshot that is being written. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    await this.#writing
  }
}
