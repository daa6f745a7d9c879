import { SharedFlush } from '../log/shared-flush.ts'
import type { Clock, Timer } from '../platform/platform.ts'
import type { MetadataLog } from './metadata-log.ts'
import type { MetadataBatch } from './metadata-record.ts'

/** A flush that failed in a way that may pass is tried again after so long. */
const RETRY_MS = 1000

export interface MetadataCommitsOptions {
  readonly log: MetadataLog
  readonly clock: Clock
  /** The log is in memory: there is nothing to wait for. */
  readonly isVolatile: boolean
  /** Takes in the batches in order, each when it is committed. */
  readonly deliver: (batch: MetadataBatch) => void
}

/**
 * Batches between the end of the metadata log and the device. One is committed when the device has it, as in a quorum of one (KIP-595);
 * before that nobody but the controller knows of it. Whoever asks while a flush is under way shares the next one.
 */
export class MetadataCommits {
  readonly #options: MetadataCommitsOptions
  readonly #pending: MetadataBatch[] = []
  readonly #flush = new SharedFlush(() => this.#commit())
  #retry: Timer | undefined

  constructor(options: MetadataCommitsOptions) {
    this.#options = options
  }

  /** The log ends with this batch now. */
  add(batch: MetadataBatch): void {
    if (this.#options.isVolatile) this.#options.deliver(batch)
    else this.#pending.push(batch)
  }

  /**
   * Resolves when all that was added is committed and delivered. Throws `ApiError` KAFKA_STORAGE_ERROR when that could not be made sure of:
   * what was added may be committed later, or be gone after a restart.
   */
  settle(): Promise<void> {
    return this.#pending.length === 0 ? Promise.resolve() : this.#flush.run()
  }

  async #commit(): Promise<void> {
    // The flush before may have had all of it.
    if (this.#pending.length === 0) return
    const { log, deliver } = this.#options
    this.#retry?.cancel()
    const end = this.#pending.length
    try {
      await log.flush()
    } catch (error) {
      if (!log.hasFailed) this.#retryLater()
      throw error
    }
    for (let left = end; left > 0; left--) deliver(this.#pending.shift()!)
  }

  /** What was answered with an error shall not wait for the next change to come true after all. */
  #retryLater(): void {
    this.#retry = this.#options.clock.schedule(RETRY_MS, () => {
      this.settle().catch(() => {})
    })
  }

  /** Waits for the flush that is under way; none begins by itself. */
  async stop(): Promise<void> {
    await this.settle().catch(() => {})
    this.#retry?.cancel()
  }
}
