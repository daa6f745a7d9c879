import { type DescribedGroup, describeGroup } from '../client/group-description.ts'
import { clientOptions, withSession } from '../client-session.ts'
import { command } from '../command.ts'
import { table } from '../table.ts'

export const groupDescribe = command({
  syntax: 'describe <names..>',
  describe: 'Show the state of groups, their members with what they read, and their offsets with the lag',
  positionals: { names: { type: 'string', array: true, demandOption: true, describe: 'Their ids' } },
  options: clientOptions,
  run: (host, args) =>
    withSession(host, args, async ({ cluster, print }) => {
      for (const name of args.names) {
        const group = await describeGroup(cluster, name)
        print([group], () => formatGroup(group))
      }
      return undefined
    }),
})

function formatGroup({ group, state, protocol, coordinator, members, offsets }: DescribedGroup): string {
  const memberRows = members.map((member) => [
    member.memberId,
    member.clientId,
    member.host,
    member.instanceId,
    member.assignment.map(({ topic, partitions }) => `${topic}:${partitions.join(',')}`).join(' '),
  ])
  const offsetRows = offsets.map((each) => [
    each.topic,
    each.partition,
    each.committedOffset,
    each.endOffset,
    each.lag,
    each.memberId,
  ])
  return [
    `${group}: ${state}, ${protocol ? `protocol ${protocol}, ` : ''}coordinated by broker ${coordinator}\n`,
    members.length > 0 ? table(['MEMBER', 'CLIENT', 'HOST', 'INSTANCE', 'ASSIGNMENT'], memberRows) : '',
    offsets.length > 0
      ? table(['TOPIC', 'PARTITION', 'COMMITTED', 'END', 'LAG', 'MEMBER'], offsetRows)
      : 'no offsets\n',
  ]
    .filter((part) => part !== '')
    .join('\n')
}
