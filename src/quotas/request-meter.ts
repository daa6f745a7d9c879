import { type MutationAllowance, RequestMutations } from './mutation-quota.ts'
import type { QuotaClient } from './quota-limits.ts'
import type { Quotas } from './quotas.ts'

/** The name of clients that have not said who they are. */
const ANONYMOUS = 'ANONYMOUS'
/** A millisecond of a second, in percent. */
const PERCENT_PER_MS = 0.1
const MAX_INT = 0x7fffffff

/**
 * One request as quotas see it: what it uses is counted here, and how long its client has to be held back comes of it. There is one only
 * while some quota is set.
 */
export class RequestMeter {
  readonly #quotas: Quotas
  readonly #client: QuotaClient
  readonly #sizeInBytes: number
  readonly #beganMs: number
  /** When its handler had returned, though its answer may come later. */
  #handledMs: number | undefined
  #mutations: RequestMutations | undefined
  #isExempt = false
  #isCharged = false
  #throttleTimeMs = 0

  /** `sizeInBytes` of the whole request without its length. */
  constructor(quotas: Quotas, clientId: string | null, sizeInBytes: number) {
    this.#quotas = quotas
    this.#client = { user: ANONYMOUS, clientId: clientId ?? '' }
    this.#sizeInBytes = sizeInBytes
    this.#beganMs = quotas.preciseMs()
  }

  /** The time that it takes does not count (KIP-124): there is no answer that could tell, or another broker asks. */
  exempt(): void {
    this.#isExempt = true
  }

  /** Its handler has returned; what it waits for from now on costs nothing. */
  handled(): void {
    this.#handledMs = this.#quotas.preciseMs()
  }

  /** Counts the request as one that brings records. */
  produced(): void {
    const { produce } = this.#quotas
    this.#hold(produce.record(this.#client, this.#sizeInBytes, this.#quotas.nowMs()))
  }

  /** More bytes than that in one answer would be held back whatever went before. */
  maxFetchBytes(): number {
    return Math.min(MAX_INT, Math.trunc(this.#quotas.fetch.maxInWindows(this.#client)))
  }

  /**
   * Counts an answer with records. True when the client has to be held back: then it gets an empty one at once, which does not count, and
   * asks again.
   */
  fetched(sizeInBytes: number): boolean {
    this.#charge()
    const { fetch } = this.#quotas
    const nowMs = this.#quotas.nowMs()
    this.#hold(fetch.record(this.#client, sizeInBytes, nowMs))
    if (this.#throttleTimeMs === 0) return false
    fetch.recordSilently(this.#client, -sizeInBytes, nowMs)
    return true
  }

  /** What this request may create and delete. `isStrict`: its client knows THROTTLING_QUOTA_EXCEEDED (KIP-599). */
  mutations(isStrict: boolean): MutationAllowance {
    this.#mutations = this.#newMutations(isStrict)
    return this.#mutations
  }

  /** The same for what the broker creates of its own accord: the client is not held back for that. */
  sideEffects(): MutationAllowance {
    return this.#newMutations(true)
  }

  /** How long the client is to be held back. Called once, when the answer is there. */
  throttleTimeMs(): number {
    this.#charge()
    if (this.#mutations) this.#hold(this.#mutations.throttleTimeMs)
    return this.#throttleTimeMs
  }

  /** Counts time that was spent on the answer since `sinceMs`, too late to hold the client back for it now. */
  chargeLate(sinceMs: number): void {
    if (this.#isExempt) return
    const { request } = this.#quotas
    const spentMs = this.#quotas.preciseMs() - sinceMs
    request.recordSilently(this.#client, spentMs * PERCENT_PER_MS, this.#quotas.nowMs())
  }

  #newMutations(isStrict: boolean): RequestMutations {
    return new RequestMutations(this.#quotas.mutations, this.#client, isStrict, () => this.#quotas.nowMs())
  }

  #charge(): void {
    if (this.#isCharged || this.#isExempt) return
    this.#isCharged = true
    const { request } = this.#quotas
    if (!request.isSet) return
    const spentMs = (this.#handledMs ?? this.#quotas.preciseMs()) - this.#beganMs
    this.#hold(request.record(this.#client, spentMs * PERCENT_PER_MS, this.#quotas.nowMs()))
  }

  #hold(throttleTimeMs: number): void {
    this.#throttleTimeMs = Math.max(this.#throttleTimeMs, throttleTimeMs)
  }
}
