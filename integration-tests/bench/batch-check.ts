import type { PreparedBatches } from './workload.ts'

const OVERHEAD = 61
const SIZE_AT = 8
const CRC_AT = 17
/** Behind the fields that a broker sets: base offset, size, leader epoch, magic. */
const OWN_BYTES_FROM = 17

/**
 * Follows what is read of one partition: each batch must be the one that was sent at this place. The first round of the different
 * batches is compared byte for byte, the later ones by their checksums, so that checking is not what takes the time.
 */
export class BatchCheck {
  readonly #prepared: PreparedBatches
  /** The batch that must come next. */
  #batch: number

  constructor(prepared: PreparedBatches, firstBatch: number) {
    this.#prepared = prepared
    this.#batch = firstBatch
  }

  get nextBatch(): number {
    return this.#batch
  }

  get nextOffset(): bigint {
    return BigInt(this.#batch * this.#prepared.recordsPerBatch)
  }

  /** Takes whole batches, up to batch `end`; a batch that is cut off at the end of an answer does not count. */
  take(bytes: Buffer, end: number): void {
    const { batches, recordsPerBatch } = this.#prepared
    let at = 0
    while (at + OVERHEAD <= bytes.length && this.#batch < end) {
      const size = 12 + bytes.readInt32BE(at + SIZE_AT)
      if (at + size > bytes.length) return
      const sent = batches[this.#batch % batches.length]!
      const offset = Number(bytes.readBigInt64BE(at))
      if (offset !== this.#batch * recordsPerBatch)
        throw new Error(`offset ${offset} where ${this.#batch * recordsPerBatch} must be`)
      const isSame =
        this.#batch < batches.length
          ? bytes.compare(sent, OWN_BYTES_FROM, sent.length, at + OWN_BYTES_FROM, at + size) === 0
          : size === sent.length && bytes.readUInt32BE(at + CRC_AT) === sent.readUInt32BE(CRC_AT)
      if (!isSame) throw new Error(`at offset ${offset} is another batch than the one that was sent`)
      this.#batch++
      at += size
    }
  }
}
