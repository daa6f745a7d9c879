import { type DescribedGroup, describeGroup, type GroupMember } from '../client/group-description.ts'
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

function formatGroup(group: DescribedGroup): string {
  const { members, offsets } = group
  const offsetRows = offsets.map((each) => [
    each.topic,
    each.partition,
    each.committedOffset,
    each.endOffset,
    each.lag,
    each.memberId,
  ])
  return [
    `${heading(group)}\n`,
    members.length > 0 ? memberTable(members) : '',
    offsets.length > 0
      ? table(['TOPIC', 'PARTITION', 'COMMITTED', 'END', 'LAG', 'MEMBER'], offsetRows)
      : 'no offsets\n',
  ]
    .filter((part) => part !== '')
    .join('\n')
}

function heading({
  group,
  state,
  protocol,
  coordinator,
  groupEpoch,
  assignmentEpoch,
}: DescribedGroup): string {
  const by = `coordinated by broker ${coordinator}`
  if (groupEpoch !== undefined)
    return `${group}: ${state}, assignor ${protocol}, epoch ${groupEpoch}, assignment of epoch ${assignmentEpoch}, ${by}`
  return `${group}: ${state}, ${protocol ? `protocol ${protocol}, ` : ''}${by}`
}

/** Members of consumer groups have an epoch, and may be on the way to another assignment. */
function memberTable(members: readonly GroupMember[]): string {
  const header = ['MEMBER', 'CLIENT', 'HOST', 'INSTANCE']
  const facts = (member: GroupMember) => [member.memberId, member.clientId, member.host, member.instanceId]
  if (members.every(({ memberEpoch }) => memberEpoch === undefined)) {
    return table(
      [...header, 'ASSIGNMENT'],
      members.map((member) => [...facts(member), textOf(member.assignment)]),
    )
  }
  return table(
    [...header, 'EPOCH', 'ASSIGNMENT', 'TARGET'],
    members.map((member) => [
      ...facts(member),
      member.memberEpoch ?? null,
      textOf(member.assignment),
      textOf(member.targetAssignment ?? []),
    ]),
  )
}

function textOf(assignment: GroupMember['assignment']): string {
  return assignment.map(({ topic, partitions }) => `${topic}:${partitions.join(',')}`).join(' ')
}
