import { ListGroups } from '../../protocol/generated/list-groups.ts'
import { check } from '../client/broker-error.ts'
import { clientOptions, withSession } from '../client-session.ts'
import { command } from '../command.ts'
import { table } from '../table.ts'

export const groupList = command({
  syntax: 'list',
  aliases: ['ls'],
  describe: 'List groups',
  positionals: {},
  options: clientOptions,
  run: (host, args) =>
    withSession(host, args, async ({ cluster, print }) => {
      // Each broker knows the groups that it coordinates.
      const lists = await Promise.all((await cluster.brokerIds()).map((id) => groupsOf(id)))
      const groups = lists.flat().sort((a, b) => (a.group < b.group ? -1 : 1))
      print(groups, () =>
        table(
          ['GROUP', 'STATE', 'TYPE', 'PROTOCOL TYPE', 'COORDINATOR'],
          groups.map((each) => [each.group, each.state, each.type, each.protocolType, each.coordinator]),
        ),
      )
      return undefined

      async function groupsOf(brokerId: number) {
        const broker = await cluster.broker(brokerId)
        return cluster.retrying(async () => {
          const { errorCode, groups } = await broker.request(ListGroups, {}, () => ({
            statesFilter: [],
            typesFilter: [],
          }))
          check(errorCode, `groups of broker ${brokerId}`)
          return groups.map(({ groupId, groupState, groupType, protocolType }) => ({
            group: groupId,
            // Told from version 4 (KIP-518) and 5 (KIP-848) on.
            state: groupState || null,
            type: groupType || null,
            protocolType: protocolType || null,
            coordinator: brokerId,
          }))
        })
      }
    }),
})
