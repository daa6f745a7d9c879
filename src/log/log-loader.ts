import { isIntact, partitionLeaderEpoch } from '../protocol/any-batch.ts'
import { baseOffset, batchSizeInBytes } from '../protocol/record-batch.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { LogEnvironment } from './log-environment.ts'
import { finishSwaps } from './log-leftovers.ts'
import { forEachBatch, learnProducer, restoreProducers } from './log-replay.ts'
import type { LogSegments } from './log-segments.ts'
import type { ProducerSnapshots } from './producer-snapshots.ts'
import { ProducerStates } from './producer-states.ts'
import type { Segment } from './segment.ts'
import { parseSegmentName, type SegmentSuffix, segmentPath } from './segment-names.ts'
import { DamagedLogError } from './storage-error.ts'

/** What a log is loaded into, and what is known beforehand. */
export interface LoadRequest {
  readonly environment: LogEnvironment
  readonly directory: string
  /** Empty; gets at least one. */
  readonly segments: LogSegments
  /** From the checkpoint; 0 when there is none. */
  readonly logStartOffset: bigint
  readonly recoveryPoint: bigint
  /** The last shutdown was clean: nothing is scanned that need not be. */
  readonly isClean: boolean
  readonly leaderEpochs: LeaderEpochs
  readonly producers: ProducerStates
  readonly snapshots: ProducerSnapshots
}

export interface LoadedLog {
  readonly logStartOffset: bigint
  readonly logEndOffset: bigint
  readonly recoveryPoint: bigint
}

const LEFT = 'it is left as it is (odradek check tells more)'

function damaged(segment: Segment, position: number, nextOffset: bigint): DamagedLogError {
  return new DamagedLogError(
    `${segment.file.path} is damaged at byte ${position}, offset ${nextOffset}; ${LEFT}`,
  )
}

/** Opens what is in a partition's folder: repairs it after a crash, otherwise reads no more than names, ends and snapshots. */
export function loadLog(request: LoadRequest): LoadedLog {
  return new LogLoader(request).load()
}

class LogLoader {
  readonly #request: LoadRequest
  readonly #environment: LogEnvironment
  readonly #segments: Segment[]
  #recoveredBytes = 0
  #truncatedBytes = 0

  constructor(request: LoadRequest) {
    this.#request = request
    this.#environment = request.environment
    this.#segments = request.segments.list
  }

  load(): LoadedLog {
    const { isClean, leaderEpochs, producers, snapshots } = this.#request
    const snapshotOffsets = this.#openSegments()
    snapshots.adopt(snapshotOffsets, new Set(this.#segments.map((segment) => segment.baseOffset)))
    const hasEpochs = leaderEpochs.load()
    const firstToRecover = isClean ? this.#segments.length : this.#firstUnflushed()
    this.#repairIndexes(firstToRecover)
    this.#trimZeros(firstToRecover)
    if (!hasEpochs || (isClean && !this.#fitsEpochs())) this.#replayEpochs(firstToRecover)
    this.#tellGaps(firstToRecover)
    if (isClean) this.#checkEnd()
    const recoverFrom = this.#segments[firstToRecover]?.baseOffset
    if (recoverFrom !== undefined) this.#recover(firstToRecover, recoverFrom)
    this.#tellMissingEnd()
    const logEndOffset = this.#logEnd()
    const logStartOffset = this.#logStart()
    if (recoverFrom === undefined) this.#restoreProducers(logEndOffset)
    snapshots.removeOutside(0n, logEndOffset)
    leaderEpochs.truncateFromEnd(logEndOffset)
    leaderEpochs.truncateFromStart(logStartOffset)
    leaderEpochs.writeOut()
    this.#segments.at(-1)!.activate()
    producers.removeExpired(this.#environment.clock.now(), this.#environment.producerIdExpirationMs())
    return {
      logStartOffset,
      logEndOffset,
      recoveryPoint: this.#recoveryPoint(logEndOffset),
    }
  }

  /** Takes up the files of the folder and removes what a crash left half done. Returns the offsets of the snapshots. */
  #openSegments(): bigint[] {
    const { environment, directory } = this.#request
    const { files } = environment
    finishSwaps(environment, directory)
    const bases = new Set<bigint>()
    const snapshotOffsets: bigint[] = []
    const others: { baseOffset: bigint; suffix: SegmentSuffix }[] = []
    for (const { name } of files.list(directory)) {
      const parsed = parseSegmentName(name)
      if (parsed?.suffix === '.log') bases.add(parsed.baseOffset)
      else if (parsed?.suffix === '.snapshot') snapshotOffsets.push(parsed.baseOffset)
      else if (parsed) others.push(parsed)
    }
    for (const { baseOffset: base, suffix } of others) {
      if (!bases.has(base)) files.remove(segmentPath(directory, base, suffix))
    }
    const sorted = [...bases].sort((a, b) => (a < b ? -1 : 1))
    for (const base of sorted) this.#request.segments.addExisting(base)
    return snapshotOffsets
  }

  /** The segment that holds the recovery point, and all behind it, may have lost bytes in the crash. */
  #firstUnflushed(): number {
    const { recoveryPoint } = this.#request
    const behind = this.#segments.findIndex((segment) => segment.baseOffset > recoveryPoint)
    const holding = behind < 0 ? this.#segments.length - 1 : behind - 1
    return Math.max(0, holding)
  }

  #repairIndexes(below: number): void {
    const { snapshots } = this.#request
    for (const segment of this.#segments.slice(0, below)) {
      const problem = segment.indexProblem()
      if (problem === undefined) continue
      // A log that is not served is not changed either.
      const damage = segment === this.#segments.at(-1) ? segment.findDamage() : undefined
      if (damage) throw damaged(segment, damage.position, damage.nextOffset)
      // The batches tell of aborted transactions too, to who knows which transactions were open in front of them.
      const producers = new ProducerStates()
      restoreProducers(this.#environment, this.#segments, producers, snapshots, segment.baseOffset)
      let damagedAt: bigint | undefined
      const accept = (bytes: Buffer, at: number) => {
        if (isIntact(bytes, at)) learnProducer(producers, bytes, at, segment)
        else damagedAt ??= baseOffset(bytes, at)
        return true
      }
      this.#rebuild(segment, accept, (nextOffset) => {
        damagedAt ??= nextOffset
        // What is damaged in the log itself was on the device: nobody but its owner cuts it off.
        return false
      })
      segment.seal()
      // The next start must not find a part of them, which would look like the whole.
      segment.flushIndexesSync()
      const { path } = segment.file
      const { logger } = this.#environment
      if (damagedAt === undefined)
        logger.warn({ path, problem }, 'an index could not be used, and was built anew')
      else logger.warn({ path, offset: damagedAt }, 'a segment is damaged (odradek check tells more)')
    }
  }

  #rebuild(
    segment: Segment,
    accept: (bytes: Buffer, at: number) => boolean,
    mayCut: (nextOffset: bigint, position: number) => boolean,
  ): number {
    const { environment } = this.#request
    const counted = (bytes: Buffer, at: number) => {
      environment.recovered(batchSizeInBytes(bytes, at))
      return accept(bytes, at)
    }
    const truncated = segment.rebuild(counted, true, mayCut)
    this.#recoveredBytes += segment.sizeInBytes
    return truncated
  }

  /** After a crash: checks every batch from the recovery point on and cuts the log at the first that is not whole. */
  #recover(first: number, from: bigint): void {
    const { leaderEpochs, producers, snapshots, directory } = this.#request
    const { logger, clock } = this.#environment
    const startMs = clock.elapsedMs()
    leaderEpochs.truncateFromEnd(from)
    this.#restoreProducers(from)
    for (let index = first; index < this.#segments.length; index++) {
      const segment = this.#segments[index]!
      if (index > first) snapshots.write(segment.baseOffset, producers)
      const accept = (bytes: Buffer, at: number) => {
        if (!isIntact(bytes, at)) return false
        leaderEpochs.assign(partitionLeaderEpoch(bytes, at), baseOffset(bytes, at))
        learnProducer(producers, bytes, at, segment)
        return true
      }
      this.#truncatedBytes = this.#rebuild(segment, accept, (nextOffset, position) =>
        this.#mayBeTorn(segment, nextOffset, position),
      )
      if (this.#truncatedBytes > 0 || this.#leavesGap(index)) {
        if (this.#truncatedBytes === 0) this.#refuseGap(index)
        const lost = this.#segments.length - index - 1
        this.#request.segments.removeFrom(index + 1)
        logger.warn(
          {
            directory,
            truncatedBytes: this.#truncatedBytes,
            segment: segment.baseOffset,
            deletedSegments: lost,
          },
          'recovery cut the log at a batch that is not whole, or not there',
        )
      }
    }
    // Only the last one is written to.
    for (const segment of this.#segments.slice(first, -1)) {
      segment.seal()
      // Flushes of records alone go past it, and what is left of the old ones would look like the whole.
      segment.flushIndexesSync()
    }
    const facts = {
      directory,
      from,
      bytes: this.#recoveredBytes,
      durationMs: Math.round(clock.elapsedMs() - startMs),
    }
    logger.info(facts, 'recovered a log after an unclean shutdown')
  }

  /** A crash takes what the device did not have yet. What it had somebody else has damaged: that is not for us to cut off. */
  #mayBeTorn(segment: Segment, nextOffset: bigint, position: number): boolean {
    if (nextOffset < this.#request.recoveryPoint && !segment.isUnwrittenFrom(position))
      throw damaged(segment, position, nextOffset)
    return true
  }

  /** The same for whole batches that are missing at the end of a segment. */
  #refuseGap(index: number): void {
    const { nextOffset, position } = this.#segments[index]!.readEnd()
    if (nextOffset < this.#request.recoveryPoint) throw damaged(this.#segments[index]!, position, nextOffset)
  }

  /** Space that was allocated beforehand and not cut off when the segment was full is no part of it. */
  #trimZeros(below: number): void {
    for (const segment of this.#segments.slice(0, below)) {
      const { position } = segment.readEnd()
      if (position === segment.sizeInBytes || !segment.isUnwrittenFrom(position)) continue
      segment.sizeInBytes = position
      if (segment === this.#segments.at(-1)) segment.cutToSize()
    }
  }

  /** Nobody has written to these segments since they were closed, but somebody may have damaged them. What there is once is served. */
  #tellGaps(below: number): void {
    const { directory } = this.#request
    const { logger } = this.#environment
    this.#segments.slice(0, below).forEach((segment, index) => {
      if (!this.#leavesGap(index)) return
      const [end, next] = [segment.readNextOffset(), this.#segments[index + 1]!]
      if (next.baseOffset < end) {
        const problem = `${next.file.path} begins at offset ${next.baseOffset}, and the segment before it ends at ${end - 1n}`
        throw new DamagedLogError(`${problem}; ${LEFT}`)
      }
      const facts = { directory, from: end, to: next.baseOffset - 1n }
      logger.warn(facts, 'offsets are missing between two segments (odradek check tells more)')
    })
  }

  /** A log whose end cannot be read is left alone: what is appended behind it would never be found. */
  #checkEnd(): void {
    const last = this.#segments.at(-1)
    const { logStartOffset } = this.#request
    const { nextOffset, position } = last?.readEnd() ?? { nextOffset: 0n, position: 0 }
    if (last && !last.isUnwrittenFrom(position)) throw damaged(last, position, nextOffset)
    if (last && nextOffset < logStartOffset) {
      const problem = `the log in ${this.#request.directory} ends at offset ${nextOffset}, and log-start-offset-checkpoint says that it begins at ${logStartOffset}`
      throw new DamagedLogError(`${problem}; ${LEFT}`)
    }
  }

  #tellMissingEnd(): void {
    const { directory, recoveryPoint } = this.#request
    const end = this.#segments.at(-1)?.readNextOffset() ?? 0n
    if (recoveryPoint <= end) return
    this.#environment.logger.warn(
      { directory, from: end, to: recoveryPoint - 1n },
      'the last offsets of a log are missing',
    )
  }

  /** Is the last batch of the epoch that `leader-epoch-checkpoint` says, and does no epoch begin behind it? */
  #fitsEpochs(): boolean {
    const { leaderEpochs, logStartOffset } = this.#request
    const { nextOffset, leaderEpoch } = this.#segments.at(-1)?.readEnd() ?? {
      nextOffset: 0n,
      leaderEpoch: -1,
    }
    const last = leaderEpochs.entries.at(-1)
    // An epoch that wrote nothing yet may begin at the end.
    if (last && last.startOffset > nextOffset) return false
    // Of records that were deleted it tells nothing.
    if (leaderEpoch < 0 || logStartOffset >= nextOffset) return true
    return leaderEpochs.epochFor(nextOffset - 1n) === leaderEpoch
  }

  /** Whole batches at the end of a segment were lost, while later ones were not. Compaction leaves gaps of its own. */
  #leavesGap(index: number): boolean {
    const { list, config } = this.#request.segments
    const next = list[index + 1]
    if (!next || config['cleanup.policy'].includes('compact')) return false
    return list[index]!.readNextOffset() !== next.baseOffset
  }

  #restoreProducers(offset: bigint): void {
    const { environment, producers, snapshots } = this.#request
    restoreProducers(environment, this.#segments, producers, snapshots, offset)
  }

  #replayEpochs(below: number): void {
    const { leaderEpochs, directory } = this.#request
    leaderEpochs.clear()
    const [first] = this.#segments
    const last = this.#segments[below - 1]
    if (!first || !last) return
    this.#environment.logger.warn(
      { directory },
      'leader-epoch-checkpoint is missing or damaged, building it anew',
    )
    forEachBatch(this.#segments.slice(0, below), first.baseOffset, last.readNextOffset(), (bytes, at) =>
      leaderEpochs.assign(partitionLeaderEpoch(bytes, at), baseOffset(bytes, at)),
    )
  }

  #logEnd(): bigint {
    const { segments, logStartOffset, producers, snapshots } = this.#request
    const end = this.#segments.at(-1)?.readNextOffset()
    if (end !== undefined && end >= logStartOffset) return end
    if (end !== undefined) {
      const facts = { directory: this.#request.directory, end, logStartOffset }
      this.#environment.logger.warn(facts, 'what a crash left of a log was deleted before: it begins anew')
      // What is known of producers is older than what they have been told: as in Apache Kafka nothing is better.
      producers.clear()
      snapshots.removeOutside(logStartOffset, logStartOffset)
    }
    // Nothing is there, or all that is left is below what was deleted: the log goes on from its start.
    segments.removeFrom(0)
    // On disk at once: as soon as a segment begins there, nothing else tells where the log starts.
    segments.addFresh(logStartOffset).file.create()
    return logStartOffset
  }

  #logStart(): bigint {
    const { logStartOffset } = this.#request
    const first = this.#segments[0]!.baseOffset
    if (logStartOffset < first) return first
    return logStartOffset
  }

  /** After recovery nothing is known to be on the device that was not before. */
  #recoveryPoint(logEndOffset: bigint): bigint {
    const { isClean, recoveryPoint } = this.#request
    return isClean || recoveryPoint > logEndOffset ? logEndOffset : recoveryPoint
  }
}
