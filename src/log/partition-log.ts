/** What an append did. */
export interface AppendInfo {
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  /** Broker time of a LogAppendTime topic; -1 with CreateTime. For a duplicate: the timestamp that the first append had. */
  readonly logAppendTimeMs: bigint
  readonly logStartOffset: bigint
  /** The same batch of an idempotent producer was there already: nothing was written, the offsets are those of then. */
  readonly isDuplicate: boolean
}

/** Who appends. A client's batches are validated and may be rewritten; our own (coordinators, controller) are taken as they are. */
export type AppendOrigin = 'client' | 'internal'

/** What validation needs to know of the request that carries the batches. */
export interface AppendRequestInfo {
  /** Version of the Produce request: decides on zstd (7 and newer) and on what may be inside. */
  readonly produceVersion: number
}

/** Whole batches, as stored, in order. The first one may begin before the offset asked for; clients skip what they have. */
export interface FetchedRecords {
  readonly buffers: readonly Buffer[]
  readonly sizeInBytes: number
  /** Offset after the last batch; the offset asked for when there is none. */
  readonly nextOffset: bigint
}

/** A transaction that was aborted, as read_committed consumers are told. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

/** A record's time and place. */
export interface TimestampedOffset {
  readonly timestamp: bigint
  readonly offset: bigint
  readonly leaderEpoch: number
}

/** What a log can say about itself, see `PartitionLog.describe`. */
export interface LogDescription {
  readonly directory: string
  readonly isOnDisk: boolean
  readonly logStartOffset: bigint
  readonly logEndOffset: bigint
  readonly highWatermark: bigint
  readonly lastStableOffset: bigint
  readonly recoveryPoint: bigint
  readonly sizeInBytes: number
  readonly segments: readonly {
    readonly baseOffset: bigint
    readonly sizeInBytes: number
    readonly maxTimestamp: bigint
  }[]
  readonly leaderEpochs: readonly { readonly epoch: number; readonly startOffset: bigint }[]
  readonly producers: readonly {
    readonly producerId: bigint
    readonly producerEpoch: number
    readonly lastSequence: number
    readonly lastTimestamp: bigint
    readonly coordinatorEpoch: number
    readonly currentTransactionFirstOffset: bigint
  }[]
  /** Plain sentences on what differs from what the configuration asks for, such as why a log cannot be compacted. */
  readonly notes: readonly string[]
}

/**
 * The seam between the broker and its storage (design §2): nothing above knows which engine is below. One writer, the thread it lives on;
 * all but large reads and `flush` is synchronous, so nothing can happen between "offset given" and "bytes handed over".
 */
export interface PartitionLog {
  readonly logStartOffset: bigint
  /** Offset after the last record. */
  readonly logEndOffset: bigint
  /** Offset up to which records are replicated, and so visible to consumers. Never goes back but by `truncateTo`. */
  readonly highWatermark: bigint
  /** What read_committed may see: the first offset of the oldest open transaction, or the high watermark. */
  readonly lastStableOffset: bigint
  /** Leader epoch of the last batch, or of the leader if it is newer; -1 when unknown. */
  readonly latestEpoch: number
  readonly sizeInBytes: number

  /**
   * Validates, stamps offsets and epoch in place, writes. The bytes belong to the log from here on. Throws `ApiError` or
   * `InvalidRecordsError`; after that nothing has changed.
   */
  append(
    records: Buffer,
    leaderEpoch: number,
    origin: AppendOrigin,
    requestInfo?: AppendRequestInfo,
  ): AppendInfo
  /**
   * Whole batches from the one that holds `offset` on, below the offset `upTo` (a high watermark, last stable offset or log end: a batch
   * boundary), at most `maxBytes`, but with `atLeastOneBatch` the first one whatever its size (KIP-74). Throws `ApiError` OFFSET_OUT_OF_RANGE.
   * A promise only when a lot has to come from a file.
   */
  read(
    offset: bigint,
    maxBytes: number,
    upTo: bigint,
    atLeastOneBatch: boolean,
  ): FetchedRecords | Promise<FetchedRecords>
  /** Every batch of the log, whole and in order, read on the spot: for replaying. Each is a buffer of its own. */
  batches(): Iterable<Buffer>
  /** Bytes between two offsets, without touching a file: exact near the tail, a guess that is not too small elsewhere. */
  sizeBetween(fromOffset: bigint, upTo: bigint): number
  /** Aborted transactions that touch records from `fromOffset` (inclusive) to `upTo` (exclusive). */
  abortedTransactions(fromOffset: bigint, upTo: bigint): AbortedTransaction[]
  /** The first record at or after a time. */
  offsetForTimestamp(timestamp: bigint): TimestampedOffset | undefined
  /** The record with the largest timestamp, the first one of equals (KIP-734); undefined when the log is empty. */
  maxTimestampOffset(): TimestampedOffset | undefined
  /** End of the largest epoch at or below the one asked for (KIP-101, KIP-279); -1 and -1n when unknown. */
  endOffsetForEpoch(epoch: number): { leaderEpoch: number; endOffset: bigint }
  /** Leader epoch in which a record was written; -1 when unknown. */
  epochForOffset(offset: bigint): number

  /** Moves the high watermark forward, at most to the log end; true when it moved. */
  advanceHighWatermark(offset: bigint): boolean
  /** From now on this broker leads in that epoch, starting at the log end. */
  beginLeaderEpoch(epoch: number): void
  /** DeleteRecords: forgets what is below `offset` (at most the high watermark); whole segments go. Returns the new log start. */
  deleteRecordsBefore(offset: bigint): bigint
  /** Cuts off all from `offset` on. */
  truncateTo(offset: bigint): void
  /** Resolves when all that was appended before the call is on the device. */
  flush(): Promise<void>
  /** Flushes, writes a producer snapshot and trims, for a clean shutdown. */
  close(): Promise<void>
  describe(): LogDescription
}
