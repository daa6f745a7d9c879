import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runVectors } from './vectors/run-vectors.ts'

const folder = join(import.meta.dirname, 'vectors', 'data')
const allOf = (...files: string[]) => files.map((file) => join(folder, `${file}.jsonl.gz`))

test('every family of vectors has its check', () => {
  expect(readdirSync(folder)).toHaveLength(11)
})

test('messages: what Kafka wrote is decoded to its values and encoded to its bytes', async () => {
  const files = allOf(
    'clients-apis',
    'frames',
    'headers',
    'group-blobs',
    'metadata-records',
    'control-records',
    'disk-files',
  )
  const totals = await runVectors(files)
  expect(totals.failures).toEqual([])
  expect(totals.passed).toBeGreaterThan(2000)
  expect([...totals.skippedNames.keys()].filter((name) => !/(Request|Response)$/.test(name))).toEqual([])
  expect([...totals.skippedNames.keys()].filter((name) => served.test(name))).toEqual([])
})

test('internal topics: offsets and classic groups', async () => {
  const totals = await runVectors(allOf('internal-topics'))
  expect(totals.failures).toEqual([])
  expect(totals.passed).toBeGreaterThan(30)
  expect(
    [...totals.skippedNames.keys()].filter((name) => /^(Legacy|OffsetCommit|GroupMetadata)/.test(name)),
  ).toEqual([])
})

test('record batches, hashes, varints, checksums, placement', async () => {
  const totals = await runVectors(allOf('record-batches', 'misc'))
  expect(totals.failures).toEqual([])
  expect(totals.passed).toBeGreaterThan(800)
})

test('what only controllers speak', async () => {
  const totals = await runVectors(allOf('controller-apis'))
  expect(totals).toMatchObject({ passed: 547, failed: 0, skipped: 0 })
})

/** The APIs that must not be skipped. */
const served =
  /^(ApiVersions|Metadata|DescribeCluster|DescribeTopicPartitions|Produce|Fetch|ListOffsets|OffsetForLeaderEpoch|DeleteRecords|InitProducerId|CreateTopics|DeleteTopics|CreatePartitions|DescribeConfigs|AlterConfigs|IncrementalAlterConfigs|DescribeLogDirs|FindCoordinator|JoinGroup|SyncGroup|Heartbeat|LeaveGroup|OffsetCommit|OffsetFetch|OffsetDelete|DescribeGroups|ListGroups|DeleteGroups)(Request|Response)$/
