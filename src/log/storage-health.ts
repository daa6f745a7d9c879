import type { Logger } from '../platform/logger.ts'
import type { Clock } from '../platform/platform.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'

/** What files are used for. A disk that is full or read-only refuses the one and does the other. */
export type StorageUse = 'write' | 'read'

/** It counts as sound again when nothing has failed for so long: a small write may still fit where the next large one does not. */
const QUIET_MS = 1000

interface Trouble {
  /** Codes of the errors that have been told. */
  readonly codes: Set<string>
  readonly sinceMs: number
  failures: number
  lastMs: number
  isWaiting: boolean
}

/**
 * Tells the log what is wrong with the data directory: once when it begins, not for each request that fails for it, and once when it is
 * over. Clients get the error that they know for it, each time.
 */
export class StorageHealth {
  /** Something has failed, and is not known to work again. */
  isTroubled = false
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #troubles = new Map<StorageUse, Trouble>()

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** Something could not be done with the files of a directory. Gives the error for clients. */
  failed(use: StorageUse, directory: string, what: string, error: unknown): ApiError {
    const { message } = error as Error
    const code = (error as NodeJS.ErrnoException).code ?? message
    const nowMs = this.#clock.elapsedMs()
    const trouble = this.#troubles.get(use) ?? {
      codes: new Set(),
      sinceMs: nowMs,
      failures: 0,
      lastMs: nowMs,
      isWaiting: false,
    }
    this.#troubles.set(use, trouble)
    this.isTroubled = true
    trouble.failures++
    trouble.lastMs = nowMs
    if (!trouble.codes.has(code)) {
      trouble.codes.add(code)
      this.#logger.error({ directory, err: error }, `cannot ${what}; it is not said again while it lasts`)
    }
    return new ApiError(ErrorCode.KAFKA_STORAGE_ERROR, `cannot ${what}: ${message}`)
  }

  /** Files could be used. To be called when `isTroubled`. */
  worked(use: StorageUse): void {
    const trouble = this.#troubles.get(use)
    if (!trouble || trouble.isWaiting) return
    trouble.isWaiting = true
    const workedMs = this.#clock.elapsedMs()
    this.#clock.schedule(QUIET_MS, () => {
      trouble.isWaiting = false
      if (trouble.lastMs > workedMs) return
      this.#troubles.delete(use)
      this.isTroubled = this.#troubles.size > 0
      const { failures, sinceMs } = trouble
      const durationMs = Math.round(workedMs - sinceMs)
      this.#logger.warn({ failures, durationMs }, `files can be ${use === 'read' ? 'read' : 'written'} again`)
    })
  }
}
