// kafka-node: see the programs' contract in support/exchange-suite.ts. Its codecs: gzip, and snappy where the module for it was built.
const { Consumer, ConsumerGroup, KafkaClient, KeyedMessage, Producer } = require('kafka-node')

const PATIENCE_MS = 30_000
const codecs = { none: 0, gzip: 1, snappy: 2 }
const [kafkaHost, action, topic, ...rest] = process.argv.slice(2)

function connect() {
  return new Promise((resolve, reject) => {
    const client = new KafkaClient({ kafkaHost, autoConnect: true })
    client.once('ready', () => resolve(client))
    client.once('error', reject)
  })
}

async function produce(names, count) {
  const client = await connect()
  const producer = new Producer(client, { requireAcks: 1, partitionerType: 0 })
  for (const codec of names.split(',')) {
    const messages = Array.from(
      { length: Number(count) },
      (_, n) => new KeyedMessage(`${codec}-${n}`, `value ${codec}-${n} ${'text '.repeat(20)}`),
    )
    await new Promise((resolve, reject) => {
      const payload = { topic, messages, attributes: codecs[codec], partition: 0 }
      producer.send([payload], (error) => (error ? reject(error) : resolve()))
    })
  }
  await new Promise((resolve) => client.close(resolve))
}

async function consume(count, group) {
  const consumer = group
    ? new ConsumerGroup(
        { kafkaHost, groupId: group, fromOffset: 'earliest', autoCommit: false, encoding: 'utf8' },
        [topic],
      )
    : new Consumer(await connect(), [{ topic, partition: 0, offset: 0 }], {
        autoCommit: false,
        fromOffset: true,
      })
  const seen = []
  await new Promise((resolve, reject) => {
    setTimeout(resolve, PATIENCE_MS).unref()
    consumer.on('error', reject)
    consumer.on('message', (message) => {
      seen.push(message)
    })
    // At the end of each fetch: only now does it know what to commit.
    consumer.on('done', () => {
      if (seen.length >= Number(count)) resolve()
    })
  })
  if (group) {
    await new Promise((resolve, reject) =>
      consumer.commit(true, (error) => (error ? reject(error) : resolve())),
    )
  }
  await new Promise((resolve) => consumer.close(false, resolve))
  for (const { offset, key, value } of seen) console.log(`${offset}\t${key}\t${value}`)
}

const actions = { produce, consume, group: consume }
actions[action](...rest).then(
  () => process.exit(0),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
