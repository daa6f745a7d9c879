// no-kafka: see the programs' contract in support/exchange-suite.ts. It knows no lz4.
const {
  GroupConsumer,
  EARLIEST_OFFSET,
  Producer,
  SimpleConsumer,
  COMPRESSION_GZIP,
  COMPRESSION_NONE,
  COMPRESSION_SNAPPY,
} = require('no-kafka')

const PATIENCE_MS = 30_000
const codecs = { none: COMPRESSION_NONE, gzip: COMPRESSION_GZIP, snappy: COMPRESSION_SNAPPY }
const [connectionString, action, topic, ...rest] = process.argv.slice(2)
const common = { connectionString, logger: { logLevel: 0 } }

async function produce(names, count) {
  for (const codec of names.split(',')) {
    const producer = new Producer({ ...common, requiredAcks: -1, codec: codecs[codec] })
    await producer.init()
    const messages = Array.from({ length: Number(count) }, (_, n) => ({
      topic,
      partition: 0,
      message: { key: `${codec}-${n}`, value: `value ${codec}-${n} ${'text '.repeat(20)}` },
    }))
    const results = await producer.send(messages)
    const failed = results.find(({ error }) => error)
    if (failed) throw failed.error
    await producer.end()
  }
}

async function consume(count, group) {
  const seen = []
  let enough
  const done = new Promise((resolve) => {
    enough = resolve
    setTimeout(resolve, PATIENCE_MS).unref()
  })
  const keep = (messages) => {
    seen.push(...messages)
    if (seen.length >= Number(count)) enough()
  }
  if (group) {
    const consumer = new GroupConsumer({ ...common, groupId: group, startingOffset: EARLIEST_OFFSET })
    const handler = async (messages, ofTopic, partition) => {
      keep(messages)
      await consumer.commitOffset({ topic: ofTopic, partition, offset: messages.at(-1).offset })
    }
    await consumer.init([{ subscriptions: [topic], handler }])
    await done
    await consumer.end()
  } else {
    const consumer = new SimpleConsumer(common)
    await consumer.init()
    await consumer.subscribe(topic, 0, { time: EARLIEST_OFFSET }, keep)
    await done
    await consumer.end()
  }
  for (const { offset, message } of seen) console.log(`${offset}\t${message.key}\t${message.value}`)
}

const actions = { produce, consume, group: consume }
actions[action](...rest).then(
  () => process.exit(0),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
