import { ErrorCode } from '../../protocol/error-code.ts'
import { CreateTopics } from '../../protocol/generated/create-topics.ts'
import { BrokerError } from '../client/broker-error.ts'
import { clientOptions, withSession } from '../client-session.ts'
import { command } from '../command.ts'
import { CommandError, EXIT_OK, EXIT_USAGE } from '../host.ts'
import { reportEach } from '../report-each.ts'

const TIMEOUT_MS = 30_000

export const topicCreate = command({
  syntax: 'create <names..>',
  describe: 'Create topics',
  positionals: { names: { type: 'string', array: true, demandOption: true, describe: 'Their names' } },
  options: {
    ...clientOptions,
    partitions: {
      alias: 'p',
      type: 'number',
      describe: 'Partitions of each [default: num.partitions of the broker]',
      requiresArg: true,
    },
    'replication-factor': {
      alias: 'r',
      type: 'number',
      describe: 'Copies of each partition [default: default.replication.factor of the broker]',
      requiresArg: true,
    },
    config: {
      alias: 'c',
      type: 'string',
      array: true,
      describe: 'A property of the topic: name=value; may be repeated',
      requiresArg: true,
    },
    'if-not-exists': { type: 'boolean', describe: 'A topic that is there already is no error' },
  },
  examples: [['$0 topic create orders --partitions 3 --config retention.ms=3600000', '']],
  run: (host, args) => {
    const numPartitions = positive('partitions', args.partitions)
    const replicationFactor = positive('replication-factor', args.replicationFactor)
    const configs = parseConfigs(args.config ?? [])
    return withSession(host, args, async (session) => {
      const controller = await session.cluster.controller()
      const response = await controller.request(
        CreateTopics,
        {},
        (version) => {
          // Brokers choose by themselves from version 4 on (KIP-464).
          const unset = version >= 4 ? -1 : 1
          return {
            topics: args.names.map((name) => ({
              name,
              numPartitions: numPartitions ?? unset,
              replicationFactor: replicationFactor ?? unset,
              assignments: [],
              configs,
            })),
            timeoutMs: TIMEOUT_MS,
            validateOnly: false,
          }
        },
        TIMEOUT_MS,
      )
      const results = response.topics.map(({ name, errorCode, errorMessage, ...created }) => {
        const isThere = errorCode === ErrorCode.TOPIC_ALREADY_EXISTS && args.ifNotExists
        if (errorCode !== ErrorCode.NONE && !isThere) {
          return { error: new BrokerError(errorCode, `topic ${name}`, errorMessage) }
        }
        // Told from version 5 on (KIP-525).
        const partitions = created.numPartitions > 0 ? created.numPartitions : numPartitions
        const result = { topic: name, isNew: !isThere, ...(isThere ? {} : { partitions }) }
        return { result, text: isThere ? `${name} is there already` : `created ${name}` }
      })
      return reportEach(session, results) ?? EXIT_OK
    })
  },
})

function positive(option: string, value: number | undefined): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value > 0 && value < 2 ** 31)) return value
  throw new CommandError(`--${option} is a whole number above 0`, EXIT_USAGE)
}

function parseConfigs(texts: readonly string[]): { name: string; value: string }[] {
  return texts.map((text) => {
    const at = text.indexOf('=')
    if (at < 1) throw new CommandError(`--config takes name=value, not "${text}"`, EXIT_USAGE)
    return { name: text.slice(0, at), value: text.slice(at + 1) }
  })
}
