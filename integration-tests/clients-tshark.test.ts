import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Kafka, startKafka } from '../src/testing/start-kafka.ts'
import { KafkajsSession, Seen } from './clients/kafkajs-session.ts'
import { clientSuite } from './support/client-suite.ts'
import { outputOf, succeeds } from './support/run-program.ts'
import { RunningTrace } from './support/running-trace.ts'

const missing = succeeds('tshark', ['-v']) ? undefined : 'no tshark'

clientSuite('clients/tshark', missing, () => {
  let kafka: Kafka
  let folder: string
  beforeEach(async () => {
    kafka = await startKafka({ topics: { orders: 1 }, trace: true })
    folder = mkdtempSync(join(tmpdir(), 'tshark-'))
  })
  afterEach(async () => {
    await kafka.stop()
    rmSync(folder, { recursive: true })
  })

  /** What tshark says of a file, with all checksums verified: one line per packet, its columns and its remarks. */
  async function dissect(file: string): Promise<string[]> {
    const port = kafka.brokers[0]!.split(':')[1]
    const checks = ['ip.check_checksum:TRUE', 'tcp.check_checksum:TRUE'].flatMap((option) => ['-o', option])
    const fields = [
      '_ws.col.Protocol',
      '_ws.col.Info',
      '_ws.expert.message',
      'tcp.analysis.flags',
      '_ws.malformed',
    ]
    const output = await outputOf('tshark', [
      ...['-r', file, '-d', `tcp.port==${port},kafka`, '-T', 'fields', '-E', 'separator=|'],
      ...checks,
      ...fields.flatMap((field) => ['-e', field]),
    ])
    return output.split('\n').filter((line) => line !== '')
  }

  test('a session of kafkajs: every request and response is named, nothing is malformed', async () => {
    const file = join(folder, 'session.pcap')
    const session = new KafkajsSession(kafka.brokers)
    // One connection is older than the trace.
    const producer = await session.producer()
    await producer.send({ topic: 'orders', messages: [{ value: 'before' }] })
    const trace = await RunningTrace.start(kafka.brokers[0]!, ['--pcap', file])
    await producer.send({ topic: 'orders', messages: [{ value: 'x'.repeat(100_000) }] })
    const seen = new Seen()
    const consumer = session.consumer({ groupId: 'billing' })
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders', fromBeginning: true })
    await consumer.run({ eachMessage: seen.eachMessage })
    await seen.count(2)
    await session.close()
    await trace.printed('LeaveGroup')
    await trace.stop()
    const lines = await dissect(file)
    const told = new Set(
      lines.flatMap((line) => /\|Kafka (\w+ v\d+ (?:Request|Response))/.exec(line)?.[1] ?? []),
    )
    for (const api of [
      'ApiVersions v2',
      'Metadata v6',
      'Produce v7',
      'Fetch v11',
      'JoinGroup v5',
      'SyncGroup v3',
      'LeaveGroup v3',
    ]) {
      expect(told).toContain(`${api} Request`)
      expect(told).toContain(`${api} Response`)
    }
    // tshark 4.0 takes the bytes within these for missing, and stops there.
    const isOfItsOwn = /Kafka (JoinGroup|SyncGroup) .*does not end at the pdu length/
    const complaint = /malformed|checksum|previous segment|retransmission|out-of-order/i
    expect(lines.filter((line) => complaint.test(line) && !isOfItsOwn.test(line))).toEqual([])
  })
})
