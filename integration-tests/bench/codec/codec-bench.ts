import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Codec } from '../../../src/protocol/api.ts'
import { Fetch } from '../../../src/protocol/generated/fetch.ts'
import { JoinGroup } from '../../../src/protocol/generated/join-group.ts'
import { Metadata } from '../../../src/protocol/generated/metadata.ts'
import { Produce } from '../../../src/protocol/generated/produce.ts'
import { Reader } from '../../../src/protocol/reader.ts'
import { median } from '../percentile.ts'
import { encode, fetchResponse, joinGroupResponse, metadataResponse, produceResponse } from './frames.ts'
import { type Decode, kafkajs, type Peer, platformatic } from './peers.ts'

export const CODEC_USAGE = `npm run bench -- codec [--rounds N] [--peers DIR]

Decodes the same responses with our generated decoders and with those of kafkajs and @platformatic/kafka, in one process and in turns.
Each figure is the median of the rounds; a round decodes for about 20 ms. kafkajs's decoders return promises, which are awaited.

  --rounds N     rounds of each decoder (31)
  --peers DIR    where "npm install --ignore-scripts @platformatic/kafka" was run (.build/bench-peers); left out when it is not there
`

interface Row {
  readonly name: string
  readonly api: string
  readonly codec: Codec<unknown>
  readonly message: unknown
  /** The newest version that the client decodes. */
  readonly kafkajs: number
  readonly platformatic: number
}

const rows: readonly Row[] = [
  row('Metadata, 1,000 partitions', 'Metadata', Metadata.response, metadataResponse(), 6, 12),
  row('Fetch, 500 partitions', 'Fetch', Fetch.response, fetchResponse(), 11, 17),
  row('Produce, 30 partitions', 'Produce', Produce.response, produceResponse(), 7, 11),
  row('JoinGroup, 20 members', 'JoinGroup', JoinGroup.response, joinGroupResponse(), 5, 9),
]

const ROUND_MS = 20

/** Runs the codec rows; returns the exit code. */
export async function codecBench(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { rounds: { type: 'string' }, peers: { type: 'string' }, help: { type: 'boolean' } },
  })
  if (values.help) {
    process.stdout.write(CODEC_USAGE)
    return 0
  }
  const rounds = Number(values.rounds ?? 31)
  const folder = values.peers ?? join('.build', 'bench-peers')
  const other = await platformatic(folder)
  if (other === undefined) process.stderr.write(`no @platformatic/kafka in ${folder}; see --help\n`)
  process.stdout.write(
    '| response | version | bytes | Odradek | other | ratio |\n|---|---|---|---|---|---|\n',
  )
  for (const peer of [kafkajs, other]) {
    if (peer === undefined) continue
    const ratios: number[] = []
    for (const each of rows) ratios.push(await compare(each, peer, rounds))
    process.stdout.write(`| median | | | | ${peer.name} | ${middle(ratios).toFixed(1)} |\n`)
  }
  return 0
}

async function compare(row: Row, peer: Peer, rounds: number): Promise<number> {
  const version = peer === kafkajs ? row.kafkajs : row.platformatic
  const body = encode(row.codec, row.message, version)
  const ours: Decode = (bytes) => row.codec.decode(new Reader(bytes), version)
  const theirs = await peer.decoder(row.api, version)
  const isAsync = theirs(body) instanceof Promise
  const microseconds: [number[], number[]] = [[], []]
  for (let round = -3; round < rounds; round++) {
    const own = await measure(ours, body, false)
    const other = await measure(theirs, body, isAsync)
    // The first rounds only warm up.
    if (round < 0) continue
    microseconds[0].push(own)
    microseconds[1].push(other)
  }
  const [own, other] = [median(microseconds[0]), median(microseconds[1])]
  const ratio = other / own
  process.stdout.write(
    `| ${row.name} | ${version} | ${body.length} | ${own.toFixed(1)} µs | ${peer.name} ${other.toFixed(1)} µs | ${ratio.toFixed(1)} |\n`,
  )
  return ratio
}

/** Microseconds of one decode. */
async function measure(decode: Decode, body: Buffer, isAsync: boolean): Promise<number> {
  let count = 0
  const start = performance.now()
  let elapsedMs = 0
  do {
    for (let turn = 0; turn < 16; turn++) {
      if (isAsync) await decode(body)
      else decode(body)
    }
    count += 16
    elapsedMs = performance.now() - start
  } while (elapsedMs < ROUND_MS)
  return (elapsedMs * 1000) / count
}

/** Of an even number of ratios the mean of the two in the middle. */
function middle(ratios: readonly number[]): number {
  return (median(ratios) + -median(ratios.map((ratio) => -ratio))) / 2
}

function row<Message>(
  name: string,
  api: string,
  codec: Codec<Message>,
  message: Message,
  ofKafkajs: number,
  ofPlatformatic: number,
): Row {
  return {
    name,
    api,
    codec: codec as Codec<unknown>,
    message,
    kafkajs: ofKafkajs,
    platformatic: ofPlatformatic,
  }
}
