import { closeSync, openSync, readSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Kafka, startKafka } from '../src/index.ts'
import { ZERO_UUID } from '../src/protocol/api.ts'
import { Fetch, type FetchResponse } from '../src/protocol/generated/fetch.ts'
import { RequestHeader } from '../src/protocol/generated/headers.ts'
import { Reader } from '../src/protocol/reader.ts'
import { batchSizeInBytes, lastOffset } from '../src/protocol/record-batch.ts'
import { Writer } from '../src/protocol/writer.ts'

const TOPIC = 'backlog'
const PARTITIONS = 4
/** More than what the broker keeps in memory of each log, so that consumers from the start read files. */
const BACKLOG_BYTES = 6 * 1024 * 1024
const MAX_PARTITION_BYTES = 1024 * 1024
const VERSION = 11

let data: string
let kafka: Kafka
let written = 0
const ends = new Array<bigint>(PARTITIONS).fill(0n)
const logs: number[] = []

/** Values in which every few bytes tell where they belong. */
function contentOf(partition: number, at: number): Buffer {
  const unit = Buffer.from(`<${partition}:${at}>`)
  return Buffer.alloc(500 + ((at * 7919) % 20_000), unit)
}

async function produce(partition: number, count: number): Promise<number> {
  const messages = Array.from({ length: count }, () => ({
    partition,
    value: contentOf(partition, written++),
  }))
  await kafka.produce(TOPIC, messages)
  ends[partition] = ends[partition]! + BigInt(count)
  return messages.reduce((size, { value }) => size + value.length, 0)
}

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'odradek-catch-up-'))
  kafka = await startKafka({ data, topics: { [TOPIC]: PARTITIONS } })
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (let bytes = 0; bytes < BACKLOG_BYTES; ) bytes += await produce(partition, 1 + (written % 17))
    logs.push(openSync(join(data, `${TOPIC}-${partition}`, '00000000000000000000.log'), 'r'))
  }
})

afterAll(async () => {
  await kafka.stop()
  for (const log of logs) closeSync(log)
  await rm(data, { recursive: true, force: true })
})

interface Position {
  offset: bigint
  /** In the partition's file: what a fetch from there has to bring, byte for byte. */
  byte: number
}

function fetchRequest(positions: readonly Position[], correlationId: number): Buffer {
  const writer = new Writer()
  writer.beginFrame()
  RequestHeader.encode(
    writer,
    { requestApiKey: Fetch.key, requestApiVersion: VERSION, correlationId, clientId: 'catch-up' },
    Fetch.requestHeaderVersion(VERSION),
  )
  Fetch.request.encode(
    writer,
    {
      clusterId: null,
      replicaId: -1,
      replicaState: { replicaId: -1, replicaEpoch: -1n },
      maxWaitMs: 10,
      minBytes: 1,
      maxBytes: 50 * 1024 * 1024,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        {
          topic: TOPIC,
          topicId: ZERO_UUID,
          partitions: positions.map(({ offset }, partition) => ({
            partition,
            currentLeaderEpoch: -1,
            fetchOffset: offset,
            lastFetchedEpoch: -1,
            logStartOffset: -1n,
            partitionMaxBytes: MAX_PARTITION_BYTES,
            replicaDirectoryId: ZERO_UUID,
            highWatermark: 2n ** 63n - 1n,
          })),
        },
      ],
      forgottenTopicsData: [],
      rackId: '',
    },
    VERSION,
  )
  return writer.finishCopy()
}

/** How a client takes its bytes. */
interface Manner {
  /** Fetches that are sent at once, all from the same place. */
  readonly pipelined: number
  /** Stops reading for a while after so many bytes; 0 never. */
  readonly pauseEveryBytes: number
  /** Leaves in the middle of each answer, after so many bytes of it, and comes again; 0 never. */
  readonly leavesAfterBytes: number
}

/** A consumer on a plain socket. Compares what it gets with the files. */
class Consumer {
  readonly positions: Position[] = Array.from({ length: PARTITIONS }, () => ({ offset: 0n, byte: 0 }))
  readonly #manner: Manner
  #turn = 0
  bytes = 0

  constructor(manner: Manner) {
    this.#manner = manner
  }

  /** Reads until it has seen all that was there when it began. */
  async catchUp(): Promise<void> {
    const goals = [...ends]
    let socket = await this.#connect()
    try {
      while (this.positions.some(({ offset }, partition) => offset < goals[partition]!)) {
        const { pipelined, leavesAfterBytes } = this.#manner
        if (leavesAfterBytes > 0 && this.#turn++ % 2 === 0) {
          socket.write(fetchRequest(this.positions, 0))
          await take(socket, leavesAfterBytes, 0)
          socket.destroy()
          socket = await this.#connect()
        }
        const requests = Array.from({ length: pipelined }, (_, id) => fetchRequest(this.positions, id))
        socket.write(Buffer.concat(requests))
        let next = this.positions
        for (let id = 0; id < pipelined; id++) next = this.#check(await this.#answer(socket), id)
        this.positions.splice(0, PARTITIONS, ...next)
      }
    } finally {
      socket.destroy()
    }
  }

  #connect(): Promise<Socket> {
    const [host, port] = kafka.bootstrapServers.split(':')
    return new Promise((resolve, reject) => {
      const socket = connect({ host: host!, port: Number(port) })
      socket.once('error', reject)
      socket.once('connect', () => resolve(socket.pause()))
    })
  }

  async #answer(socket: Socket): Promise<Buffer> {
    const { pauseEveryBytes } = this.#manner
    const size = await take(socket, 4, 0)
    return take(socket, size.readInt32BE(0), pauseEveryBytes)
  }

  /** The positions behind an answer. */
  #check(frame: Buffer, id: number): Position[] {
    expect(frame.readInt32BE(0)).toBe(id)
    const response: FetchResponse = Fetch.response.decode(new Reader(frame, 4), VERSION)
    return response.responses[0]!.partitions.map(({ partitionIndex, errorCode, records }) => {
      expect(errorCode).toBe(0)
      const { offset, byte } = this.positions[partitionIndex]!
      const got = Buffer.concat([records ?? []].flat() as Buffer[])
      const wanted = Buffer.alloc(got.length)
      readSync(logs[partitionIndex]!, wanted, 0, wanted.length, byte)
      if (!got.equals(wanted)) {
        const at = got.findIndex((each, index) => each !== wanted[index])
        throw new Error(`partition ${partitionIndex}, offset ${offset}: byte ${at} of ${got.length} is wrong`)
      }
      this.bytes += got.length
      let next = offset
      for (let at = 0; at < got.length; at += batchSizeInBytes(got, at)) next = lastOffset(got, at) + 1n
      return { offset: next, byte: byte + got.length }
    })
  }
}

/** So many bytes; with `pauseEveryBytes` the socket rests a moment each time, so that the broker's side fills up. */
async function take(socket: Socket, count: number, pauseEveryBytes: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let left = count; left > 0; ) {
    const want = pauseEveryBytes > 0 ? Math.min(left, pauseEveryBytes) : left
    const part = (socket.read(Math.min(want, socket.readableLength)) ?? undefined) as Buffer | undefined
    if (part === undefined) {
      if (socket.destroyed || socket.readableEnded) throw new Error('the broker has closed the connection')
      await new Promise((resolve) => socket.once('readable', resolve))
      continue
    }
    parts.push(part)
    left -= part.length
    if (pauseEveryBytes > 0) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return Buffer.concat(parts)
}

const fast: Manner = { pipelined: 1, pauseEveryBytes: 0, leavesAfterBytes: 0 }
const manners: readonly Manner[] = [
  fast,
  fast,
  { ...fast, pipelined: 3 },
  { ...fast, pauseEveryBytes: 60_000 },
  { ...fast, pauseEveryBytes: 100_000 },
  { ...fast, pipelined: 2, pauseEveryBytes: 150_000 },
  { ...fast, leavesAfterBytes: 10 },
  { ...fast, leavesAfterBytes: 700_000 },
]

test('slow and fast consumers, and those that leave halfway, get every byte right while a producer goes on', async () => {
  let isDone = false
  const producing = (async () => {
    for (let turn = 0; !isDone; turn++) {
      await produce(turn % PARTITIONS, 1 + (turn % 5))
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  })()
  const consumers = manners.map((manner) => new Consumer(manner))
  try {
    await Promise.all(consumers.map((consumer) => consumer.catchUp()))
  } finally {
    isDone = true
    await producing
  }
  for (const consumer of consumers) expect(consumer.bytes).toBeGreaterThanOrEqual(PARTITIONS * BACKLOG_BYTES)
}, 600_000)
