import type { Clock, Random } from '../../platform/platform.ts'
import type { Uuid } from '../../protocol/api.ts'
import { ErrorCode } from '../../protocol/error-code.ts'

/** A session that nobody used for so long, or that is so old and smaller than a new one, may lose its place to it. */
const EVICTION_MS = 120_000

/** `sessionEpoch` of a request that wants no session, and closes the one that it names. */
export const FINAL_EPOCH = -1
/** `sessionEpoch` of a request that lists everything and wants a new session. */
export const INITIAL_EPOCH = 0

/** A partition that a fetch asks for. */
export interface FetchTarget {
  /** Empty until the topic of an id is known. */
  topic: string
  readonly topicId: Uuid
  readonly partition: number
  fetchOffset: bigint
  maxBytes: number
  currentLeaderEpoch: number
  lastFetchedEpoch: number
}

/** What a session compares to decide whether a partition is worth a row in an incremental answer. */
export interface FetchedRow {
  readonly errorCode: number
  readonly highWatermark: bigint
  readonly logStartOffset: bigint
  readonly hasRecords: boolean
  readonly hasDivergingEpoch: boolean
}

/** A partition of a session, with what the client was told last. */
class SessionPartition implements FetchTarget {
  readonly key: string
  topic: string
  readonly topicId: Uuid
  readonly partition: number
  fetchOffset: bigint
  maxBytes: number
  currentLeaderEpoch: number
  lastFetchedEpoch: number
  #highWatermark = -1n
  #logStartOffset = -1n

  constructor(key: string, target: FetchTarget) {
    this.key = key
    this.topic = target.topic
    this.topicId = target.topicId
    this.partition = target.partition
    this.fetchOffset = target.fetchOffset
    this.maxBytes = target.maxBytes
    this.currentLeaderEpoch = target.currentLeaderEpoch
    this.lastFetchedEpoch = target.lastFetchedEpoch
  }

  update(target: FetchTarget): void {
    this.fetchOffset = target.fetchOffset
    this.maxBytes = target.maxBytes
    this.currentLeaderEpoch = target.currentLeaderEpoch
    this.lastFetchedEpoch = target.lastFetchedEpoch
  }

  /** Whether the client does not know that yet. */
  isNews(row: FetchedRow): boolean {
    if (row.hasRecords || row.hasDivergingEpoch || row.errorCode !== ErrorCode.NONE) return true
    return row.highWatermark !== this.#highWatermark || row.logStartOffset !== this.#logStartOffset
  }

  /** Notes what the client is told; true when that is news. */
  told(row: FetchedRow): boolean {
    const isNews = this.isNews(row)
    this.#logStartOffset = row.logStartOffset
    // After an error or a divergence the partition comes again as soon as it is well.
    const isWell = row.errorCode === ErrorCode.NONE && !row.hasDivergingEpoch
    this.#highWatermark = isWell ? row.highWatermark : -1n
    return isNews
  }
}

/** A list of partitions that the broker remembers for a client, so that it only sends what changes (KIP-227). */
export class FetchSession {
  readonly id: number
  readonly usesTopicIds: boolean
  readonly createdMs: number
  lastUsedMs: number
  epoch = 1
  /** In the order in which they are served; what brought records goes to the end, so that nobody starves. */
  readonly #partitions = new Map<string, SessionPartition>()

  constructor(id: number, usesTopicIds: boolean, nowMs: number) {
    this.id = id
    this.usesTopicIds = usesTopicIds
    this.createdMs = nowMs
    this.lastUsedMs = nowMs
  }

  get size(): number {
    return this.#partitions.size
  }

  targets(): FetchTarget[] {
    return [...this.#partitions.values()]
  }

  /** Takes in partitions that are new or changed. */
  update(targets: Iterable<FetchTarget>): void {
    for (const target of targets) {
      const key = this.#keyOf(target)
      const known = this.#partitions.get(key)
      if (known) known.update(target)
      else this.#partitions.set(key, new SessionPartition(key, target))
    }
  }

  forget(targets: Iterable<Pick<FetchTarget, 'topic' | 'topicId' | 'partition'>>): void {
    for (const target of targets) this.#partitions.delete(this.#keyOf(target))
  }

  /** Which rows an incremental answer would carry. */
  isNews(targets: readonly FetchTarget[], rows: readonly FetchedRow[]): boolean[] {
    return targets.map((target, i) => this.#partitionOf(target)?.isNews(rows[i]!) ?? true)
  }

  /** Notes the rows of an answer and says which of them an incremental answer must carry. */
  told(targets: readonly FetchTarget[], rows: readonly FetchedRow[]): boolean[] {
    return targets.map((target, i) => {
      const row = rows[i]!
      const partition = this.#partitionOf(target)
      if (!partition) return true
      partition.topic = target.topic
      if (row.hasRecords) {
        this.#partitions.delete(partition.key)
        this.#partitions.set(partition.key, partition)
      }
      return partition.told(row)
    })
  }

  #partitionOf(target: FetchTarget): SessionPartition | undefined {
    return this.#partitions.get(target instanceof SessionPartition ? target.key : this.#keyOf(target))
  }

  #keyOf(target: Pick<FetchTarget, 'topic' | 'topicId' | 'partition'>): string {
    return `${this.usesTopicIds ? target.topicId : target.topic}:${target.partition}`
  }
}

/** How a fetch request stands to sessions. */
export type FetchContext =
  | { readonly kind: 'error'; readonly errorCode: number }
  | { readonly kind: 'sessionless'; readonly targets: FetchTarget[] }
  | { readonly kind: 'full'; readonly targets: FetchTarget[] }
  | {
      readonly kind: 'incremental'
      readonly targets: FetchTarget[]
      readonly session: FetchSession
      /** The session must still be at this epoch when the answer is made. */
      readonly epoch: number
    }

/** The part of a fetch request that speaks about sessions. */
export interface SessionRequest {
  readonly sessionId: number
  readonly sessionEpoch: number
  readonly usesTopicIds: boolean
  readonly targets: FetchTarget[]
  readonly forgotten: Iterable<Pick<FetchTarget, 'topic' | 'topicId' | 'partition'>>
}

/** All fetch sessions of a broker. They are not bound to connections. */
export class FetchSessions {
  readonly #clock: Clock
  readonly #random: Random
  readonly #slots: number
  /** In order of last use. */
  readonly #sessions = new Map<number, FetchSession>()

  /** `slots`: `max.incremental.fetch.session.cache.slots` */
  constructor(clock: Clock, random: Random, slots: number) {
    this.#clock = clock
    this.#random = random
    this.#slots = slots
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Finds out what a request asks for, and moves its session one epoch on. */
  begin(request: SessionRequest): FetchContext {
    const { sessionId, sessionEpoch, targets } = request
    if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
      this.#sessions.delete(sessionId)
      return { kind: sessionEpoch === FINAL_EPOCH ? 'sessionless' : 'full', targets }
    }
    const session = this.#sessions.get(sessionId)
    if (!session) return { kind: 'error', errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND }
    if (session.epoch !== sessionEpoch)
      return { kind: 'error', errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH }
    if (session.usesTopicIds !== request.usesTopicIds) {
      return { kind: 'error', errorCode: ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR }
    }
    session.update(targets)
    session.forget(request.forgotten)
    if (session.size === 0) {
      this.#sessions.delete(sessionId)
      return { kind: 'sessionless', targets }
    }
    session.lastUsedMs = this.#clock.elapsedMs()
    this.#sessions.delete(sessionId)
    this.#sessions.set(sessionId, session)
    session.epoch = session.epoch === 0x7fffffff ? 1 : session.epoch + 1
    return { kind: 'incremental', targets: session.targets(), session, epoch: session.epoch }
  }

  /** A session for what a full fetch has just answered; undefined when all places are taken by better ones. */
  create(
    targets: readonly FetchTarget[],
    rows: readonly FetchedRow[],
    usesTopicIds: boolean,
  ): FetchSession | undefined {
    if (!this.#makeRoom(targets.length)) return undefined
    const session = new FetchSession(this.#freeId(), usesTopicIds, this.#clock.elapsedMs())
    session.update(targets)
    // The rows are what the client knows from now on; a full answer carries all of them.
    session.told(targets, rows)
    this.#sessions.set(session.id, session)
    return session
  }

  describe(): object[] {
    const nowMs = this.#clock.elapsedMs()
    return [...this.#sessions.values()].map(({ id, epoch, size, usesTopicIds, lastUsedMs }) => ({
      id,
      epoch,
      partitions: size,
      usesTopicIds,
      idleMs: nowMs - lastUsedMs,
    }))
  }

  #makeRoom(partitionCount: number): boolean {
    if (this.#slots <= 0) return false
    if (this.#sessions.size < this.#slots) return true
    const nowMs = this.#clock.elapsedMs()
    const [oldest] = this.#sessions.values()
    if (oldest && nowMs - oldest.lastUsedMs > EVICTION_MS) return this.#sessions.delete(oldest.id)
    let smallest: FetchSession | undefined
    for (const session of this.#sessions.values()) {
      if (nowMs - session.createdMs <= EVICTION_MS) continue
      if (session.size < (smallest?.size ?? partitionCount)) smallest = session
    }
    return smallest !== undefined && this.#sessions.delete(smallest.id)
  }

  #freeId(): number {
    for (;;) {
      const id = this.#random.integer(0x7fffffff) + 1
      if (!this.#sessions.has(id)) return id
    }
  }
}
