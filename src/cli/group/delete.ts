import { ErrorCode } from '../../protocol/error-code.ts'
import { DeleteGroups } from '../../protocol/generated/delete-groups.ts'
import { BrokerError, check } from '../client/broker-error.ts'
import { clientOptions, withSession } from '../client-session.ts'
import { command } from '../command.ts'
import { EXIT_OK } from '../host.ts'
import { type Outcome, reportEach } from '../report-each.ts'

/** What to do about it, where the name of the error does not say. */
const REASONS: Readonly<Record<number, string>> = {
  [ErrorCode.NON_EMPTY_GROUP]: 'it has members; stop them first',
}

export const groupDelete = command({
  syntax: 'delete <names..>',
  aliases: ['rm'],
  describe: 'Delete groups with the offsets that they committed',
  positionals: { names: { type: 'string', array: true, demandOption: true, describe: 'Their ids' } },
  options: clientOptions,
  run: (host, args) =>
    withSession(host, args, async (session) => {
      const { cluster } = session
      const outcomes: Outcome[] = []
      for (const groupId of args.names) {
        try {
          await cluster.retrying(async () => {
            const { connection } = await cluster.coordinator(groupId)
            const { results } = await connection.request(DeleteGroups, {}, () => ({ groupsNames: [groupId] }))
            const errorCode = results[0]?.errorCode ?? ErrorCode.NONE
            check(errorCode, `group ${groupId}`, REASONS[errorCode])
          })
          outcomes.push({ result: { group: groupId, isDeleted: true }, text: `deleted ${groupId}` })
        } catch (error) {
          if (!(error instanceof BrokerError)) throw error
          outcomes.push({ error })
        }
      }
      return reportEach(session, outcomes) ?? EXIT_OK
    }),
})
