import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { clientSuite, sharedBroker } from './support/client-suite.ts'
import { outputOf, succeeds } from './support/run-program.ts'

const missing = succeeds('kcat', ['-V']) ? undefined : 'no kcat'

interface Listing {
  readonly controllerid: number
  readonly brokers: { readonly id: number; readonly name: string }[]
  readonly topics: {
    readonly topic: string
    readonly partitions: { readonly partition: number; readonly leader: number }[]
  }[]
}

clientSuite('clients/kcat', missing, () => {
  const broker = sharedBroker()
  const unique = (name: string) => `${name}-${randomUUID().slice(0, 8)}`
  const kcat = (args: readonly string[], stdin = '') =>
    outputOf(
      'kcat',
      ['-b', broker.bootstrapServers, '-X', 'topic.metadata.refresh.interval.ms=200', ...args],
      { stdin },
    )
  const lines = (text: string) => text.split('\n').filter((line) => line !== '')
  const numbers = (count: number) => Array.from({ length: count }, (_, at) => `${at}`)

  test('-L lists brokers, topics and partitions, as text and as JSON', async () => {
    const topic = unique('listed')
    await kcat(['-P', '-t', topic], 'one\n')
    const listing = JSON.parse(await kcat(['-L', '-J', '-t', topic])) as Listing
    expect(listing.brokers.map(({ name }) => name)).toEqual([broker.bootstrapServers])
    const [{ id } = { id: -1 }] = listing.brokers
    expect(listing.controllerid).toBe(id)
    expect(listing.topics).toMatchObject([{ topic, partitions: [{ partition: 0, leader: id }] }])
    expect(await kcat(['-L', '-t', topic])).toContain(`topic "${topic}" with 1 partitions:`)
  })

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    '-P and -C with compression %s: keys, headers, tombstones',
    async (codec) => {
      const topic = unique(`payload-${codec}`)
      const sent = numbers(2000).map((n) => `key-${n}:value-${n}`)
      const options = [
        '-P',
        '-t',
        topic,
        '-K',
        ':',
        '-H',
        'source=kcat',
        '-H',
        'many=1',
        '-H',
        'many=2',
        '-z',
        codec,
      ]
      await kcat(options, sent.map((line) => `${line}\n`).join(''))
      await kcat(['-P', '-t', topic, '-K', ':', '-Z'], 'gone:\n')
      const format = '%o|%k:%s|%h|%S\n'
      const read = lines(await kcat(['-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-Z', '-f', format]))
      expect(read.slice(0, -1)).toEqual(
        sent.map((line, at) => `${at}|${line}|source=kcat,many=1,many=2|${line.split(':')[1]!.length}`),
      )
      expect(read.at(-1)).toBe('2000|gone:NULL||-1')
    },
  )

  test('-C from an offset, from the end and between two times; -Q by time', async () => {
    const topic = unique('offsets')
    await kcat(['-P', '-t', topic, '-p', '0', '-X', 'batch.num.messages=100'], numbers(1000).join('\n'))
    const values = async (...args: string[]) =>
      lines(await kcat(['-C', '-t', topic, '-p', '0', '-e', '-q', ...args]))
    expect(await values('-o', '990')).toEqual(numbers(1000).slice(990))
    expect(await values('-o', '-3')).toEqual(['997', '998', '999'])
    expect(await values('-o', 'beginning', '-c', '2')).toEqual(['0', '1'])
    const times = (await values('-o', 'beginning', '-f', '%T\n')).map(Number)
    expect(await values('-o', `s@${times[0]}`, '-o', `e@${times.at(-1)! + 1}`)).toEqual(numbers(1000))
    expect(await kcat(['-Q', '-t', `${topic}:0:${times[0]}`])).toContain(`${topic} [0] offset 0`)
    expect(await kcat(['-Q', '-t', `${topic}:0:-1`])).toContain(`${topic} [0] offset 1000`)
    expect(await kcat(['-Q', '-t', `${topic}:0:-2`])).toContain(`${topic} [0] offset 0`)
  })

  test('-G reads as a group, and goes on where the group stopped', async () => {
    const [topic, group] = [unique('grouped'), unique('group')]
    await kcat(['-P', '-t', topic], numbers(500).join('\n'))
    const asGroup = async () =>
      lines(await kcat(['-q', '-e', '-X', 'auto.offset.reset=earliest', '-G', group, topic])).map(Number)
    expect(await asGroup()).toEqual(numbers(500).map(Number))
    await kcat(['-P', '-t', topic], '500\n501\n')
    expect(await asGroup()).toEqual([500, 501])
  })
})
