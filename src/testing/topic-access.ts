import type { Broker } from '../broker.ts'
import { type BatchRecord, buildBatch } from '../protocol/batch-builder.ts'
import { ApiError, errorName } from '../protocol/error-code.ts'
import { murmur2Partition } from '../protocol/hash.ts'
import { readRecords } from '../protocol/record.ts'
import { batchSizeInBytes } from '../protocol/record-batch.ts'
import { KafkaRecord, type MessageToProduce, type ProducedRecord } from './kafka-record.ts'

/** How much of a log is read at once. */
const READ_BYTES = 1024 * 1024
/** Version of Produce that our own records are validated as. */
const PRODUCE_VERSION = 9

const STOPPED = 'the broker was stopped'

/** What tests do with topics, straight at the broker's partitions: no client, no socket. */
export class TopicAccess {
  readonly #broker: Broker
  /** Partition of the next message without a key. */
  #nextPartition = 0
  #isStopped = false

  constructor(broker: Broker) {
    this.#broker = broker
    broker.onStop(() => {
      this.#isStopped = true
    })
  }

  async create(name: string, partitions: number, configs: Readonly<Record<string, string>>): Promise<void> {
    this.#assertRunning()
    await this.#broker.createTopic(name, { partitions, configs: new Map(Object.entries(configs)) })
  }

  /** Appends each message; those that go to one partition go as one batch. */
  async produce(topic: string, messages: readonly MessageToProduce[]): Promise<ProducedRecord[]> {
    this.#assertRunning()
    if (!this.#exists(topic)) await this.#broker.services.controller.autoCreateTopic(topic)
    const count = this.#broker.services.partitions.ofTopic(topic).length
    const targets = messages.map((message) => this.#partitionOf(message, count))
    const produced = new Array<ProducedRecord>(messages.length)
    for (const index of new Set(targets)) {
      const members = messages.flatMap((message, at) => (targets[at] === index ? [{ message, at }] : []))
      const records = members.map(({ message }) => this.#recordOf(message))
      const baseOffset = this.#append(topic, index, records)
      for (const [delta, { at }] of members.entries()) {
        produced[at] = { partition: index, offset: baseOffset + BigInt(delta) }
      }
    }
    return produced
  }

  #append(topic: string, index: number, records: BatchRecord[]): bigint {
    const { partitions } = this.#broker.services
    const partition = partitions.get(topic, index)
    if (!partition) throw new Error(`topic ${topic} has no partition ${index}`)
    try {
      const batch = buildBatch({ baseOffset: 0n, leaderEpoch: -1, records })
      return partition.append(batch, partition.leaderEpoch, 'client', { produceVersion: PRODUCE_VERSION })
        .baseOffset
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      throw new Error(`cannot produce to ${topic}-${index}: ${errorName(error.code)}, ${error.message}`, {
        cause: error,
      })
    }
  }

  #partitionOf({ key, partition }: MessageToProduce, count: number): number {
    if (partition !== undefined) return partition
    if (key === undefined || key === null) return this.#nextPartition++ % count
    return murmur2Partition(bytesOf(key), count)
  }

  #recordOf({ key, value, headers = {}, timestamp }: MessageToProduce): BatchRecord {
    return {
      key: key === undefined || key === null ? null : bytesOf(key),
      value: valueBytes(value),
      headers: Object.entries(headers).map(([name, header]) => ({
        key: name,
        value: header === null ? null : bytesOf(header),
      })),
      timestamp: BigInt(timestamp ?? this.#broker.services.clock.now()),
    }
  }

  /** Waits until the partitions hold `count` records, and returns the first ones. */
  async records(
    topic: string,
    count: number,
    only: number | undefined,
    timeoutMs: number,
  ): Promise<KafkaRecord[]> {
    this.#assertRunning()
    await this.#until(
      topic,
      timeoutMs,
      () => this.#available(topic, only) >= count,
      (have) => {
        const among = only === undefined ? topic : `${topic}-${only}`
        return `waited ${timeoutMs} ms for ${count} records in ${among}: ${have}`
      },
    )
    const found: KafkaRecord[] = []
    for (const { partition } of this.#chosen(topic, only)) {
      if (found.length < count) await this.#read(topic, partition, count - found.length, found)
    }
    return found
  }

  #assertRunning(): void {
    if (this.#isStopped) throw new Error(STOPPED)
  }

  #exists(topic: string): boolean {
    return this.#broker.services.metadata.topic(topic) !== undefined
  }

  #chosen(topic: string, only: number | undefined) {
    const partitions = this.#broker.services.partitions.ofTopic(topic)
    return only === undefined ? partitions : partitions.filter(({ partition }) => partition === only)
  }

  #available(topic: string, only: number | undefined): number {
    let available = 0n
    for (const { log } of this.#chosen(topic, only)) available += log.highWatermark - log.logStartOffset
    return Number(available)
  }

  async #read(topic: string, index: number, count: number, into: KafkaRecord[]): Promise<void> {
    const { log } = this.#broker.services.partitions.get(topic, index)!
    let offset = log.logStartOffset
    const end = into.length + count
    while (into.length < end && offset < log.highWatermark) {
      const fetched = await log.read(offset, READ_BYTES, log.highWatermark, true)
      if (fetched.sizeInBytes === 0) return
      for (const buffer of fetched.buffers) {
        for (let at = 0; at < buffer.length; at += batchSizeInBytes(buffer, at)) {
          const batch = buffer.subarray(at, at + batchSizeInBytes(buffer, at))
          for (const record of readRecords(batch)) {
            if (record.offset < offset || into.length === end) continue
            into.push(
              new KafkaRecord({ ...record, topic, partition: index, timestamp: Number(record.timestamp) }),
            )
          }
        }
      }
      offset = fetched.nextOffset
    }
  }

  /** Waits for a condition that appends to a topic, or its creation, can make true. */
  #until(
    topic: string,
    timeoutMs: number,
    holds: () => boolean,
    explain: (have: string) => string,
  ): Promise<void> {
    if (holds()) return Promise.resolve()
    const { clock, partitions, metadata } = this.#broker.services
    return new Promise((resolve, reject) => {
      let watched: (() => void)[] = []
      const unwatch = () => {
        for (const stop of watched) stop()
        watched = []
      }
      const watch = () => {
        unwatch()
        watched = partitions.ofTopic(topic).map((partition) => partition.onAdvance(look))
      }
      const finish = (end: () => void) => {
        unwatch()
        stopFollowing()
        stopWaiting()
        timer.cancel()
        end()
      }
      const look = () => {
        if (holds()) finish(resolve)
      }
      const stopFollowing = this.#broker.onMetadataChange(() => {
        watch()
        look()
      })
      const stopWaiting = this.#broker.onStop(() => finish(() => reject(new Error(STOPPED))))
      const timer = clock.schedule(timeoutMs, () => {
        const have = metadata.topic(topic)
          ? partitions
              .ofTopic(topic)
              .map(
                ({ partition, log }) =>
                  `partition ${partition} has ${log.highWatermark - log.logStartOffset}`,
              )
              .join(', ')
          : 'there is no such topic'
        finish(() => reject(new Error(explain(have))))
      })
      watch()
    })
  }
}

function bytesOf(value: string | Buffer): Buffer {
  if (typeof value === 'string') return Buffer.from(value)
  if (Buffer.isBuffer(value)) return value
  if ((value as unknown) instanceof Uint8Array) return Buffer.from(value)
  // A test in JavaScript has nobody to tell it.
  throw new TypeError(`keys and headers are strings or Buffers, not ${typeof value}`)
}

function valueBytes(value: unknown): Buffer | null {
  if (value === null || Buffer.isBuffer(value)) return value
  if (typeof value === 'string') return Buffer.from(value)
  if (value instanceof Uint8Array) return Buffer.from(value)
  const text = JSON.stringify(value)
  if (text === undefined) throw new TypeError('a message needs a value; null is a tombstone')
  return Buffer.from(text)
}
