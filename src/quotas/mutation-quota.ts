import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { type LimitedEntity, type QuotaClient, QuotaLimits } from './quota-limits.ts'
import { Sensors } from './sensors.ts'
import { TokenBucket } from './token-bucket.ts'
import type { QuotaWindows } from './windowed-rate.ts'

/** Longest time that fits the field of an answer. */
const MAX_INT = 0x7fffffff

/** What one request may change: it is asked before each topic. */
export interface MutationAllowance {
  /** Counts partitions that are created or deleted. Throws THROTTLING_QUOTA_EXCEEDED when the client has no more. */
  record(partitions: number): void
}

/** A limit on how many partitions clients may create and delete a second (KIP-599). */
export class MutationQuota {
  readonly #buckets: Sensors<TokenBucket>
  #limits = new QuotaLimits()

  constructor(windows: QuotaWindows) {
    this.#buckets = new Sensors(
      () => new TokenBucket(windows),
      (bucket, share, nowMs) => bucket.isFull(this.#limits.of(share), nowMs),
    )
  }

  /** Whether anybody has a limit. While nobody has one, nothing is recorded. */
  get isSet(): boolean {
    return !this.#limits.isEmpty
  }

  /** Of how many shares something is remembered. */
  get size(): number {
    return this.#buckets.size
  }

  /** From now on these limits hold; what was recorded stays. */
  setLimits(limits: Iterable<readonly [LimitedEntity, number]>): void {
    this.#limits = new QuotaLimits(limits)
  }

  /**
   * Counts for the client unless it is in debt, and tells how many milliseconds that will last. Nobody is held back for what brings him
   * into debt, only for what comes after it.
   */
  recordStrictly(client: QuotaClient, partitions: number, nowMs: number): number {
    return this.#record(
      client,
      (bucket, limit) => {
        const throttleTimeMs = bucket.throttleTimeMs(limit, nowMs)
        if (throttleTimeMs === 0) bucket.take(partitions, limit, nowMs)
        return throttleTimeMs
      },
      nowMs,
    )
  }

  /** Counts for the client in any case, and tells for how many milliseconds it is in debt now. */
  recordPermissively(client: QuotaClient, partitions: number, nowMs: number): number {
    return this.#record(
      client,
      (bucket, limit) => {
        bucket.take(partitions, limit, nowMs)
        return bucket.throttleTimeMs(limit, nowMs)
      },
      nowMs,
    )
  }

  #record(client: QuotaClient, use: (bucket: TokenBucket, limit: number) => number, nowMs: number): number {
    if (this.#limits.isEmpty) return 0
    const share = this.#limits.shareOf(client)
    const limit = this.#limits.of(share)
    if (!Number.isFinite(limit)) return 0
    return Math.min(use(this.#buckets.of(share, nowMs), limit), MAX_INT)
  }
}

/** How one request fares with the quota of its client. */
export class RequestMutations implements MutationAllowance {
  readonly #quota: MutationQuota
  readonly #client: QuotaClient
  /** Whether the client knows the error that refuses what is too much; others are only held back. */
  readonly #isStrict: boolean
  readonly #nowMs: () => number
  #throttledUntilMs = Number.NEGATIVE_INFINITY

  constructor(quota: MutationQuota, client: QuotaClient, isStrict: boolean, nowMs: () => number) {
    this.#quota = quota
    this.#client = client
    this.#isStrict = isStrict
    this.#nowMs = nowMs
  }

  record(partitions: number): void {
    const nowMs = this.#nowMs()
    const throttleTimeMs = this.#isStrict
      ? this.#quota.recordStrictly(this.#client, partitions, nowMs)
      : this.#quota.recordPermissively(this.#client, partitions, nowMs)
    if (throttleTimeMs === 0) return
    this.#throttledUntilMs = nowMs + throttleTimeMs
    if (this.#isStrict) throw new ApiError(ErrorCode.THROTTLING_QUOTA_EXCEEDED)
  }

  /** For how many milliseconds the client has to be held back. */
  get throttleTimeMs(): number {
    return Math.max(0, this.#throttledUntilMs - this.#nowMs())
  }
}
