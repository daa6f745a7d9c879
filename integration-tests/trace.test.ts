import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LocalSocket } from '../src/platform/local-sockets.ts'
import { nodeLocalSockets } from '../src/platform/node-local-sockets.ts'
import { type Kafka, startKafka } from '../src/testing/start-kafka.ts'
import { TRACE_REQUEST, type TraceEvent, TraceEventReader } from '../src/trace/trace-event.ts'
import { KafkajsSession, Seen } from './clients/kafkajs-session.ts'
import { RunningTrace } from './support/running-trace.ts'

let kafka: Kafka
let session: KafkajsSession
beforeEach(async () => {
  kafka = await startKafka({ topics: { orders: 2 }, trace: true })
  session = new KafkajsSession(kafka.brokers)
})
afterEach(async () => {
  await session.close()
  await kafka.stop()
})

async function produceAndConsume(): Promise<void> {
  const producer = await session.producer()
  await producer.send({ topic: 'orders', acks: 0, messages: [{ value: 'zero' }] })
  await producer.send({ topic: 'orders', messages: [{ value: 'one' }] })
  const seen = new Seen()
  const consumer = session.consumer({ groupId: 'billing' })
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  await consumer.run({ eachMessage: seen.eachMessage })
  await seen.count(2)
  const admin = await session.admin()
  await admin.createTopics({ topics: [{ topic: 'orders' }] })
  await session.close()
}

describe('odradek trace', () => {
  test('a session of kafkajs, line by line', async () => {
    const trace = await RunningTrace.start(kafka.brokers[0]!)
    await produceAndConsume()
    // The last that a consumer says.
    await trace.printed('LeaveGroup')
    expect(await trace.stop()).toBe(0)
    const lines = trace.stdout.split('\n').slice(0, -1)
    const time = String.raw`\d\d:\d\d:\d\d\.\d{3}`
    for (const line of lines) {
      expect(line).toMatch(new RegExp(`^${time}  #\\d+  odradek-tests  [A-Za-z]+ v\\d+  .*\\d+ (-> \\d+ )?B`))
    }
    const the = (pattern: RegExp) => lines.filter((line) => pattern.test(line))
    expect(the(/ApiVersions v\d+ {2}\d+ -> \d+ B {2}[\d.]+ ms$/).length).toBeGreaterThan(0)
    expect(the(/Produce v7 {2}orders {2}\d+ B, no answer wanted$/)).toHaveLength(1)
    expect(the(/Produce v7 {2}orders {2}\d+ -> \d+ B {2}[\d.]+ ms$/)).toHaveLength(1)
    expect(the(/JoinGroup v5 {2}\d+ -> \d+ B {2}[\d.]+ ms {2}MEMBER_ID_REQUIRED$/)).toHaveLength(1)
    expect(the(/Fetch v11 {2}orders {2}/).length).toBeGreaterThan(0)
    expect(the(/OffsetCommit v5 {2}orders {2}/).length).toBeGreaterThan(0)
    expect(the(/CreateTopics v3 {2}orders {2}.*TOPIC_ALREADY_EXISTS$/)).toHaveLength(1)
  })

  test('filters leave only what is asked for', async () => {
    const trace = await RunningTrace.start(kafka.brokers[0]!, ['--errors', '--topic', 'orders'])
    await produceAndConsume()
    await trace.printed('CreateTopics')
    await trace.stop()
    expect(trace.stdout).toMatch(/^\S+ {2}#\d+ {2}odradek-tests {2}CreateTopics .*TOPIC_ALREADY_EXISTS\n$/)
  })
})

describe('a reader that does not keep up', () => {
  const RECORD_BYTES = 500_000
  const SENDS = 80

  /** Sends 40 MB: more than the queue of a reader and the system's own buffers hold. */
  async function load(): Promise<void> {
    const producer = await session.producer()
    const value = Buffer.alloc(RECORD_BYTES, 'x')
    for (let i = 0; i < SENDS; i++)
      await producer.send({ topic: 'orders', messages: [{ value, partition: 0 }] })
  }

  async function attach(): Promise<LocalSocket> {
    const socket = await nodeLocalSockets().connect(kafka.brokers[0]!.split(':')[1]!)
    socket.write(TRACE_REQUEST)
    return socket
  }

  test('does not stop the broker, and is told how much it missed', async () => {
    const reader = await attach()
    const events: TraceEvent[] = []
    const cutter = new TraceEventReader()
    const isIn = (kind: string) => events.some((event) => event.kind === kind)
    let look = () => {}
    const until = (kind: string) =>
      new Promise<void>((resolve) => {
        look = () => {
          if (isIn(kind)) resolve()
        }
        look()
      })
    reader.onBytes((bytes) => {
      events.push(...cutter.read(bytes))
      look()
    })
    await until('hello')
    reader.pause()
    await load()
    reader.resume()
    const caughtUp = until('dropped')
    // The count goes before the next frame.
    const producer = await session.producer()
    await Promise.race([
      caughtUp,
      (async () => {
        for (;;) await producer.send({ topic: 'orders', messages: [{ value: 'more' }] })
      })().catch(() => {}),
    ])
    const missed = events.reduce((sum, event) => sum + (event.kind === 'dropped' ? event.count : 0), 0)
    const got = events.filter(({ kind }) => kind === 'request').length
    expect(missed).toBeGreaterThan(10)
    expect(got).toBeGreaterThan(10)
    reader.destroy()
    expect(await kafka.records('orders', { count: SENDS, partition: 0 })).toHaveLength(SENDS)
  })

  test('goes away in the middle, and nothing happens', async () => {
    const reader = await attach()
    const first = new Promise<void>((resolve) => reader.onBytes(() => resolve()))
    const loaded = load()
    await first
    reader.destroy()
    await loaded
    expect(await kafka.records('orders', { count: SENDS, partition: 0 })).toHaveLength(SENDS)
    expect(session.errors).toEqual([])
  })
})

test('a broker of a test is not to be traced unless it was asked to', async () => {
  await using other = await startKafka()
  expect(await nodeLocalSockets().names()).not.toContain(other.brokers[0]!.split(':')[1])
})
