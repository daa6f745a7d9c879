import { isIntact, partitionLeaderEpoch } from '../protocol/any-batch.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
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
    if (!hasEpochs) this.#replayEpochs(firstToRecover)
    if (isClean) this.#checkUntouched()
    const recoverFrom = this.#segments[firstToRecover]?.baseOffset
    if (recoverFrom !== undefined) this.#recover(firstToRecover, recoverFrom)
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
      const { path } = segment.file
      this.#environment.logger.warn({ path, problem }, 'an index cannot be used, building it anew')
      // The batches tell of aborted transactions too, to who knows which transactions were open in front of them.
      const producers = new ProducerStates()
      restoreProducers(this.#environment, this.#segments, producers, snapshots, segment.baseOffset)
      this.#rebuild(segment, (bytes, at) => {
        learnProducer(producers, bytes, at, segment)
        return true
      })
      segment.seal()
    }
  }

  #rebuild(segment: Segment, accept: (bytes: Buffer, at: number) => boolean): number {
    const { environment, segments } = this.#request
    const truncated = segment.rebuild(
      segments.config['index.interval.bytes'],
      (bytes, at) => {
        environment.recovered(batchSizeInBytes(bytes, at))
        return isIntact(bytes, at) && accept(bytes, at)
      },
      true,
    )
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
      this.#truncatedBytes = this.#rebuild(segment, (bytes, at) => {
        leaderEpochs.assign(partitionLeaderEpoch(bytes, at), baseOffset(bytes, at))
        learnProducer(producers, bytes, at, segment)
        return true
      })
      if (this.#truncatedBytes > 0 || this.#leavesGap(index)) {
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
    for (const segment of this.#segments.slice(first, -1)) segment.seal()
    const facts = {
      directory,
      from,
      bytes: this.#recoveredBytes,
      durationMs: Math.round(clock.elapsedMs() - startMs),
    }
    logger.info(facts, 'recovered a log after an unclean shutdown')
  }

  /**
   * Nobody has written since the log was closed, but somebody may have damaged it. A gap is told, and what there is is served. A log whose
   * end cannot be read is left alone: what is appended behind it would never be found.
   */
  #checkUntouched(): void {
    const { directory, recoveryPoint } = this.#request
    const { logger } = this.#environment
    this.#segments.forEach((segment, index) => {
      if (!this.#leavesGap(index)) return
      const [from, to] = [segment.readNextOffset(), this.#segments[index + 1]!.baseOffset - 1n]
      logger.warn(
        { directory, from, to },
        'offsets are missing between two segments (odradek check tells more)',
      )
    })
    const last = this.#segments.at(-1)
    if (!last) return
    const { nextOffset, position } = last.readEnd()
    if (!last.isUnwrittenFrom(position)) {
      const problem = `${last.file.path} is damaged at byte ${position}, offset ${nextOffset}; it is left as it is (odradek check tells more)`
      logger.error({ directory }, problem)
      throw new ApiError(ErrorCode.KAFKA_STORAGE_ERROR, problem)
    }
    if (recoveryPoint > nextOffset) {
      logger.warn(
        { directory, from: nextOffset, to: recoveryPoint - 1n },
        'the last offsets of a log are missing',
      )
    }
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
    const { segments, logStartOffset } = this.#request
    const end = this.#segments.at(-1)?.readNextOffset()
    if (end !== undefined && end >= logStartOffset) return end
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
