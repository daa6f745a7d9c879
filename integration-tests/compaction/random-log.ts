import type { Partition } from '../../src/log/partition.ts'
import { seeded } from '../../src/log/test-support/storage.ts'
import { type BatchRecord, buildBatch } from '../../src/protocol/batch-builder.ts'
import { COMPRESSION_NAMES, type CompressionName } from '../../src/protocol/compression/compression.ts'

const KEYS = 300
/** Producers with a transaction at times, and others that are only idempotent. */
const TRANSACTIONAL = [11n, 12n, 13n]
const IDEMPOTENT = [21n, 22n, 23n]

/** Writes whatever a compacted topic may hold: tombstones, records without a key, idempotent batches, transactions of all kinds. */
export class RandomLog {
  readonly #next: (below: number) => number
  readonly #codecs: readonly CompressionName[]
  readonly #sequences = new Map<bigint, number>()
  readonly #open = new Set<bigint>()
  /** Of a producer that writes once: its last batch is old, and has to stay all the same. */
  #nextProducerId = 1000n

  constructor(seed: number, isCompressed: boolean) {
    this.#next = seeded(seed)
    // What Apache Kafka's cleaner makes of gzip and zstd has the same records, in other bytes.
    this.#codecs = isCompressed ? COMPRESSION_NAMES : ['none']
  }

  append(partition: Partition, batches: number, nowMs: number): void {
    for (let count = 0; count < batches; count++) this.#appendOne(partition, nowMs + count)
  }

  #appendOne(partition: Partition, nowMs: number): void {
    const fate = this.#next(10)
    if (fate < 3) this.#inTransaction(partition, nowMs)
    else if (fate < 5) this.#data(partition, nowMs, IDEMPOTENT[this.#next(IDEMPOTENT.length)]!, false)
    else if (fate < 6) this.#once(partition, nowMs)
    else this.#data(partition, nowMs, -1n, false)
  }

  #once(partition: Partition, nowMs: number): void {
    const producerId = this.#nextProducerId++
    const isTransactional = this.#next(2) === 0
    // Some end a transaction in which they wrote nothing here.
    if (!isTransactional || this.#next(3) > 0) this.#data(partition, nowMs, producerId, isTransactional)
    if (isTransactional) this.#end(partition, nowMs, producerId)
  }

  #inTransaction(partition: Partition, nowMs: number): void {
    const producerId = TRANSACTIONAL[this.#next(TRANSACTIONAL.length)]!
    if (this.#open.has(producerId) && this.#next(3) === 0) this.#end(partition, nowMs, producerId)
    else {
      this.#open.add(producerId)
      this.#data(partition, nowMs, producerId, true)
    }
  }

  #data(partition: Partition, nowMs: number, producerId: bigint, isTransactional: boolean): void {
    const baseSequence = this.#sequences.get(producerId) ?? 0
    const records = Array.from({ length: 1 + this.#next(8) }, () => this.#record(nowMs))
    if (producerId >= 0n) this.#sequences.set(producerId, baseSequence + records.length)
    partition.append(
      buildBatch({
        baseOffset: 0n,
        leaderEpoch: 0,
        records,
        isTransactional,
        compression: this.#codecs[this.#next(this.#codecs.length)]!,
        ...(producerId < 0n ? {} : { producerId, producerEpoch: 0, baseSequence }),
      }),
    )
  }

  #record(nowMs: number): BatchRecord {
    const text = 'value '.repeat(this.#next(400))
    const isTombstone = this.#next(8) === 0
    return {
      key: this.#next(50) === 0 ? null : Buffer.from(`key-${this.#next(KEYS)}`),
      value: isTombstone ? null : Buffer.from(text),
      headers: this.#next(4) === 0 ? [{ key: 'header', value: Buffer.from('x') }] : [],
      timestamp: BigInt(nowMs - this.#next(50)),
    }
  }

  /** Ends the transaction with a marker, as the coordinator does. */
  #end(partition: Partition, nowMs: number, producerId: bigint): void {
    this.#open.delete(producerId)
    const isAbort = this.#next(2) === 0
    const key = Buffer.from([0, 0, 0, isAbort ? 0 : 1])
    const value = Buffer.alloc(6)
    partition.append(
      buildBatch({
        baseOffset: 0n,
        leaderEpoch: 0,
        records: [{ key, value, headers: [], timestamp: BigInt(nowMs) }],
        producerId,
        producerEpoch: 0,
        isTransactional: true,
        isControl: true,
      }),
    )
  }

  endAll(partition: Partition, nowMs: number): void {
    for (const producerId of [...this.#open]) this.#end(partition, nowMs, producerId)
  }
}
