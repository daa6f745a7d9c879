import { expect, test } from 'vitest'
import { startKafka } from '../src/testing/start-kafka.ts'
import { KafkajsSession, Seen } from './clients/kafkajs-session.ts'

test.each(['0.10.0', '0.10.2', '0.11', '2.0', '2.8', '4.3'])(
  'kafkajs produces to and consumes from a broker that passes for %s',
  async (emulate) => {
    await using kafka = await startKafka({ topics: { orders: 2 }, emulate })
    const session = new KafkajsSession(kafka.brokers)
    const producer = await session.producer()
    await producer.send({ topic: 'orders', messages: [{ key: 'a', value: '1' }, { value: '2' }] })
    const seen = new Seen()
    const consumer = session.consumer({ groupId: 'billing' })
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders', fromBeginning: true })
    await consumer.run({ eachMessage: seen.eachMessage })
    await seen.count(2)
    await session.close()
    expect(seen.values().sort()).toEqual(['1', '2'])
    expect(session.errors).toEqual([])
  },
)

test('a release that nobody knows: startKafka says which there are', async () => {
  await expect(startKafka({ emulate: '5.0' })).rejects.toThrow(
    'there is no release "5.0" to emulate: 0.8.2, 0.9,',
  )
})
