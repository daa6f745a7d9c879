import type { Logger } from '../platform/logger.ts'
import type { Clock } from '../platform/platform.ts'

/** How far a recovery after a crash is. */
export interface RecoveryReport {
  readonly partitions: number
  readonly recoveredPartitions: number
  readonly recoveredBytes: number
}

const REPORT_EVERY_MS = 1000
/** The clock is asked after so many bytes. */
const LOOK_EVERY_BYTES = 16 * 1024 * 1024

/** Counts what a recovery has done, and says so every second when it takes longer than one. */
export class RecoveryProgress {
  partitions = 0
  recoveredPartitions = 0
  onReport: ((report: RecoveryReport) => void) | undefined
  readonly #clock: Clock
  readonly #logger: Logger
  #bytes = 0
  #nextLook = LOOK_EVERY_BYTES
  #lastReportMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  begin(partitions: number): void {
    this.partitions = partitions
    this.#lastReportMs = this.#clock.elapsedMs()
  }

  addBytes(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes < this.#nextLook) return
    this.#nextLook = this.#bytes + LOOK_EVERY_BYTES
    this.reportIfDue()
  }

  reportIfDue(): void {
    const nowMs = this.#clock.elapsedMs()
    if (nowMs - this.#lastReportMs < REPORT_EVERY_MS) return
    this.#lastReportMs = nowMs
    const report = this.report()
    this.#logger.info(report, 'recovering after an unclean shutdown')
    this.onReport?.(report)
  }

  report(): RecoveryReport {
    const { partitions, recoveredPartitions } = this
    return { partitions, recoveredPartitions, recoveredBytes: this.#bytes }
  }
}
