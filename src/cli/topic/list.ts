import { clientOptions, withSession } from '../client-session.ts'
import { command } from '../command.ts'
import { table } from '../table.ts'

export const topicList = command({
  syntax: 'list',
  aliases: ['ls'],
  describe: 'List topics',
  positionals: {},
  options: {
    ...clientOptions,
    internal: { type: 'boolean', describe: "Also Kafka's own, such as __consumer_offsets" },
  },
  run: (host, args) =>
    withSession(host, args, async ({ cluster, print }) => {
      const topics = (await cluster.topics())
        .filter(({ isInternal }) => !isInternal || args.internal)
        .map(({ name, partitions, isInternal }) => ({
          topic: name,
          partitions: partitions.length,
          replicationFactor: partitions[0]?.replicaNodes.length ?? 0,
          isInternal,
        }))
      print(topics, () =>
        table(
          ['TOPIC', 'PARTITIONS', 'REPLICATION'],
          topics.map((topic) => [topic.topic, topic.partitions, topic.replicationFactor]),
        ),
      )
      return undefined
    }),
})
