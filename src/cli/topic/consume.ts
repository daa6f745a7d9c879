import type { MetadataResponseTopic } from '../../protocol/generated/metadata.ts'
import type { Cluster } from '../client/cluster.ts'
import { EARLIEST, LATEST, listOffsets } from '../client/topic-partitions.ts'
import { type Range, readTopic } from '../client/topic-reader.ts'
import { clientOptions, withSession } from '../client-session.ts'
import { command } from '../command.ts'
import { CommandError, EXIT_OK, EXIT_USAGE } from '../host.ts'
import { formatRecordLine } from '../record-line.ts'

export const topicConsume = command({
  syntax: 'consume <topic>',
  describe: 'Print records, one line of JSON each',
  positionals: { topic: { type: 'string', demandOption: true, describe: 'Where from' } },
  options: {
    ...clientOptions,
    output: { alias: 'o', choices: ['json'] as const, describe: 'Always lines of JSON', requiresArg: true },
    from: {
      type: 'string',
      default: 'beginning',
      describe:
        'Where to begin: beginning, end, an offset, -N for the last N of each partition, or @TIME (milliseconds or ISO)',
      requiresArg: true,
    },
    count: { alias: 'n', type: 'number', describe: 'Stop after so many records', requiresArg: true },
    partition: {
      alias: 'p',
      type: 'number',
      array: true,
      describe: 'Only this partition; may be repeated',
      requiresArg: true,
    },
    follow: {
      alias: 'f',
      type: 'boolean',
      describe: 'Go on and wait for more, instead of stopping at the end',
    },
  },
  examples: [
    ['$0 topic consume orders --from @2026-01-31T08:00 --count 10', ''],
    ['$0 topic consume orders --from end --follow', 'what arrives from now on'],
  ],
  epilogue: `Stops at what was the end when it began, unless it follows. A line is {"topic":..,"partition":..,"offset":..,"timestamp":..,\
"key":..,"value":..,"headers":{..}}, and "topic produce" makes the same bytes of it again. No group is joined and no offset is committed.`,
  run: (host, args) => {
    const from = parseFrom(args.from)
    const count = args.count ?? Number.POSITIVE_INFINITY
    if (!(count > 0)) throw new CommandError('--count is a number above 0', EXIT_USAGE)
    return withSession(host, args, async ({ cluster }) => {
      const topic = await cluster.topic(args.topic)
      const ranges = await rangesOf(cluster, topic, from, chosen(topic, args.partition), args.follow === true)
      let left = count
      let text = ''
      const take = (record: Parameters<Parameters<typeof readTopic>[3]>[0]) => {
        text += `${formatRecordLine(args.topic, record)}\n`
        left--
        return left > 0
      }
      await readTopic(cluster, topic, ranges, take, async () => {
        if (text !== '') host.out(text)
        text = ''
        await host.drained()
      })
      return EXIT_OK
    })
  },
})

/** Where to begin in a partition that reaches from `start` to `end`. */
type From =
  | { readonly kind: 'beginning' | 'end' }
  | { readonly kind: 'offset' | 'last' | 'timestamp'; readonly value: bigint }

function parseFrom(text: string): From {
  if (text === 'beginning' || text === 'end') return { kind: text }
  if (/^\d{1,18}$/.test(text)) return { kind: 'offset', value: BigInt(text) }
  if (/^-\d{1,18}$/.test(text)) return { kind: 'last', value: -BigInt(text) }
  if (/^@\d{1,15}$/.test(text)) return { kind: 'timestamp', value: BigInt(text.slice(1)) }
  const time = text.startsWith('@') ? Date.parse(text.slice(1)) : Number.NaN
  if (!Number.isNaN(time)) return { kind: 'timestamp', value: BigInt(time) }
  throw new CommandError(`--from takes beginning, end, an offset, -N or @TIME, not "${text}"`, EXIT_USAGE)
}

function chosen(
  { name, partitions }: MetadataResponseTopic,
  wanted: readonly number[] | undefined,
): (partition: number) => boolean {
  if (wanted === undefined) return () => true
  const unknown = wanted.find((partition) => !partitions.some((each) => each.partitionIndex === partition))
  if (unknown === undefined) return (partition) => wanted.includes(partition)
  throw new CommandError(`topic ${name} has no partition ${unknown}, only 0 to ${partitions.length - 1}`)
}

async function rangesOf(
  cluster: Cluster,
  topic: MetadataResponseTopic,
  from: From,
  isChosen: (partition: number) => boolean,
  isFollowing: boolean,
): Promise<Map<number, Range>> {
  const [earliest, latest, atTime] = await Promise.all([
    listOffsets(cluster, topic, EARLIEST, isChosen),
    listOffsets(cluster, topic, LATEST, isChosen),
    from.kind === 'timestamp' ? listOffsets(cluster, topic, from.value, isChosen) : undefined,
  ])
  const ranges = new Map<number, Range>()
  for (const [partition, end] of latest) {
    const beginning = earliest.get(partition) ?? 0n
    const found = atTime?.get(partition) ?? -1n
    const start = startOf(from, beginning, end, found < 0n ? end : found)
    ranges.set(partition, { start, end: isFollowing ? undefined : end })
  }
  return ranges
}

function startOf(from: From, beginning: bigint, end: bigint, atTime: bigint): bigint {
  switch (from.kind) {
    case 'beginning':
      return beginning
    case 'end':
      return end
    case 'timestamp':
      return atTime
    case 'offset':
      return from.value < beginning ? beginning : from.value
    case 'last':
      return end - from.value < beginning ? beginning : end - from.value
  }
}
