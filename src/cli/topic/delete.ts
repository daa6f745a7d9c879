import { ErrorCode } from '../../protocol/error-code.ts'
import { DeleteTopics } from '../../protocol/generated/delete-topics.ts'
import { BrokerError } from '../client/broker-error.ts'
import { clientOptions, withSession } from '../client-session.ts'
import { command } from '../command.ts'
import { EXIT_OK } from '../host.ts'
import { reportEach } from '../report-each.ts'

const TIMEOUT_MS = 30_000

export const topicDelete = command({
  syntax: 'delete <names..>',
  aliases: ['rm'],
  describe: 'Delete topics with all their records',
  positionals: { names: { type: 'string', array: true, demandOption: true, describe: 'Their names' } },
  options: {
    ...clientOptions,
    'if-exists': { type: 'boolean', describe: 'A topic that is not there is no error' },
  },
  run: (host, args) =>
    withSession(host, args, async (session) => {
      const controller = await session.cluster.controller()
      // Version 6 can name topics by id (KIP-516), which is of no use here.
      const { responses } = await controller.request(
        DeleteTopics,
        { max: 5 },
        () => ({ topics: [], topicNames: args.names, timeoutMs: TIMEOUT_MS }),
        TIMEOUT_MS,
      )
      const outcomes = responses.map(({ name, errorCode, errorMessage }) => {
        const isMissing = errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION && args.ifExists
        if (errorCode !== ErrorCode.NONE && !isMissing) {
          return { error: new BrokerError(errorCode, `topic ${name}`, errorMessage) }
        }
        const text = isMissing ? `there is no topic ${name}` : `deleted ${name}`
        return { result: { topic: name, isDeleted: !isMissing }, text }
      })
      return reportEach(session, outcomes) ?? EXIT_OK
    }),
})
