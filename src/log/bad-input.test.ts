import { beforeEach, describe, expect, test } from 'vitest'
import { type Logger, silentLogger } from '../platform/logger.ts'
import { ManualClock } from '../platform/manual-clock.ts'
import type { MemoryFiles } from '../platform/memory-files.ts'
import type { Files } from '../platform/platform.ts'
import { ApiError } from '../protocol/error-code.ts'
import { DataDirectory } from './data-directory.ts'
import type { Partition } from './partition.ts'
import { Partitions } from './partitions.ts'
import {
  append,
  batchOf,
  copyFiles,
  DATA,
  openStorage,
  readAll,
  seededRandom,
  storageSettings,
  TOPIC_ID,
  topicConfig,
  values,
} from './test-support/storage.ts'

const FOLDER = `${DATA}/t-0`
const START_MS = 1_700_000_000_000
const CONFIG = topicConfig({ 'segment.ms': 1000 })
const SEGMENTS = ['0', '2', '4'].map((offset) => `${FOLDER}/${offset.padStart(20, '0')}`)

let files: MemoryFiles
let lines: string[]
const lineLogger: Logger = {
  ...silentLogger,
  warn: (facts, message) => void lines.push(`warn ${message} ${placeOf(facts)}`.trim()),
  error: (facts, message) => void lines.push(`error ${message} ${placeOf(facts)}`.trim()),
}

function placeOf(facts: object): string {
  const { from, to, path } = facts as { from?: bigint; to?: bigint; path?: string }
  return path ?? (from === undefined ? '' : `${from}-${to}`)
}

/** A log of three segments of two records, cleanly closed. */
beforeEach(async () => {
  const { partition, partitions, files: written } = await openStorage(CONFIG)
  for (let turn = 0; turn < 3; turn++) {
    const records = ['a', 'b'].map((letter) => ({
      value: `${letter}${turn}`,
      timestamp: BigInt(START_MS + turn * 10_000),
    }))
    partition.append(batchOf(records))
  }
  await partitions.stop(1n)
  files = copyFiles(written)
  lines = []
})

async function reopened(): Promise<Partition> {
  const random = seededRandom()
  const directory = DataDirectory.open({ files, random, path: DATA, nodeId: 1 })
  const settings = () => storageSettings
  const partitions = new Partitions({
    directory,
    clock: new ManualClock(),
    random,
    logger: lineLogger,
    settings,
  })
  const assignment = { topic: 't', partition: 0, topicId: TOPIC_ID, leaderEpoch: 0, partitionEpoch: 0 }
  await partitions.start([{ ...assignment, replicas: [1], isr: [1], config: CONFIG }])
  return partitions.get('t', 0)!
}

function filesIn(from: Files): string[] {
  return from
    .list(FOLDER)
    .map(({ name }) => `${name} ${from.read(`${FOLDER}/${name}`).toString('hex')}`)
    .sort()
}

test('a directory that nobody touched says nothing', async () => {
  expect(values(await readAll(await reopened()))).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2'])
  expect(lines).toEqual([])
})

describe('what can be rebuilt is, with a line', () => {
  const ALL = ['a0', 'b0', 'a1', 'b1', 'a2', 'b2']
  const cases: [string, (path: string) => void, string][] = [
    [
      'leader-epoch-checkpoint',
      (path) => files.replace(path, 'nonsense'),
      'warn leader-epoch-checkpoint is missing or damaged, building it anew',
    ],
    [
      'partition.metadata',
      (path) => files.replace(path, 'nonsense'),
      'warn partition.metadata was missing or damaged, and was written anew',
    ],
    [
      `${'2'.padStart(20, '0')}.timeindex`,
      (path) => files.replace(path, files.read(path).subarray(0, 7)),
      `warn an index could not be used, and was built anew ${SEGMENTS[1]}.log`,
    ],
  ]
  test.each(cases)('%s', async (name, damage, line) => {
    const before = files.read(`${FOLDER}/${name}`)
    damage(`${FOLDER}/${name}`)
    expect(values(await readAll(await reopened()))).toEqual(ALL)
    expect(lines).toEqual([line])
    expect(files.read(`${FOLDER}/${name}`)).toEqual(before)
  })

  test.each([
    ['recovery-point-offset-checkpoint', 'after a crash all logs are recovered from their start'],
    [
      'log-start-offset-checkpoint',
      'logs start with their first segment, and deleted records in it are back',
    ],
    ['replication-offset-checkpoint', 'high watermarks begin anew'],
    ['cleaner-offset-checkpoint', 'logs are compacted from their start'],
  ])('%s', async (name, meaning) => {
    files.replace(`${DATA}/${name}`, '0\n2\nt 0 1\n')
    expect(values(await readAll(await reopened()))).toEqual(ALL)
    expect(lines).toEqual([`warn a checkpoint is damaged: ${meaning} ${DATA}/${name}`])
  })
})

describe('what is missing is told, and the rest is served and kept', () => {
  test('a segment in the middle', async () => {
    for (const suffix of ['log', 'index', 'timeindex']) files.remove(`${SEGMENTS[1]}.${suffix}`)
    expect(values(await readAll(await reopened()))).toEqual(['a0', 'b0', 'a2', 'b2'])
    expect(lines).toEqual(['warn offsets are missing between two segments (odradek check tells more) 2-3'])
  })

  test('the last segment', async () => {
    for (const suffix of ['log', 'index', 'timeindex']) files.remove(`${SEGMENTS[2]}.${suffix}`)
    expect(values(await readAll(await reopened()))).toEqual(['a0', 'b0', 'a1', 'b1'])
    expect(lines).toEqual(['warn the last offsets of a log are missing 4-5'])
  })
})

test('a log that somebody puts in place while the broker runs is not written over', async () => {
  const kept = filesIn(files)
  await files.removeDirectory(FOLDER)
  files.remove(`${DATA}/recovery-point-offset-checkpoint`)
  const partition = await reopened()
  files.makeDirectory(FOLDER)
  for (const line of kept) {
    const [name, bytes] = line.split(' ') as [string, string]
    files.replace(`${FOLDER}/${name}`, Buffer.from(bytes, 'hex'))
  }
  expect(() => append(partition, 'new')).toThrow(ApiError)
  expect(filesIn(files)).toEqual(kept)
  expect(lines).toEqual(['error cannot append; it is not said again while it lasts'])
  files = copyFiles(files)
  expect(values(await readAll(await reopened()))).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2'])
})

test('a log whose end cannot be read is neither served nor changed: what came behind it would be lost', async () => {
  const path = `${SEGMENTS[2]}.log`
  const bytes = Buffer.from(files.read(path))
  // The length of the batch.
  bytes.writeInt32BE(5, 8)
  files.replace(path, bytes)
  const before = filesIn(files)
  const partition = await reopened()
  expect(() => partition.log).toThrow(ApiError)
  expect(lines).toEqual([
    `error ${path} is damaged at byte 0, offset 4; it is left as it is (odradek check tells more)`,
  ])
  expect(filesIn(files)).toEqual(before)
})

describe('foreign things in the directory are left alone', () => {
  test('files, and folders that are no partition', async () => {
    files.replace(`${DATA}/notes.txt`, 'x')
    files.makeDirectory(`${DATA}/backup`)
    files.replace(`${DATA}/backup/notes.txt`, 'x')
    files.replace(`${FOLDER}/notes.txt`, 'x')
    await reopened()
    expect(lines).toEqual([
      `warn a folder of no partition is left alone; Apache Kafka would not start with it ${DATA}/backup`,
    ])
    for (const path of [`${DATA}/notes.txt`, `${DATA}/backup/notes.txt`, `${FOLDER}/notes.txt`]) {
      expect(files.read(path).toString()).toBe('x')
    }
  })

  test('a directory of a newer format is refused', () => {
    const path = `${DATA}/meta.properties`
    files.replace(path, files.read(path).toString().replace('version=1', 'version=2'))
    const open = () => DataDirectory.open({ files, random: seededRandom(), path: DATA, nodeId: 1 })
    expect(open).toThrow(
      `${path} has version 2, and only 1 is known here: start the broker that wrote it, or one that is newer`,
    )
    expect(files.exists(`${DATA}/.kafka_cleanshutdown`)).toBe(true)
  })
})
