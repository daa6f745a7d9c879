import { expect, test } from 'vitest'
import { buildBatch } from '../protocol/batch-builder.ts'
import { TopicRecord } from '../protocol/generated/metadata-records.ts'
import { leaderChange, quorumRecords, snapshotFooter, snapshotHeader } from './control-record.ts'
import {
  decodeMetadataBatch,
  decodeMetadataRecord,
  encodeMetadataRecords,
  metadataRecord,
} from './metadata-record.ts'

const message = { name: 'orders', topicId: 'b8tRS7h4TJ2Vt43Dp85v2A' }
const value = (bytes: Buffer) => ({ key: null, value: bytes, headers: [], timestamp: 1n })

test('a record is framed as KRaft does it: frame version 1, type, version, record', () => {
  const other = { ...message, name: 'payments' }
  const records = [metadataRecord(TopicRecord, message), metadataRecord(TopicRecord, other)]
  const [first, second] = encodeMetadataRecords(records)
  expect(first!.subarray(0, 3)).toEqual(Buffer.from([1, 2, 0]))
  expect(decodeMetadataRecord(first!)).toMatchObject({ codec: TopicRecord, version: 0, message })
  expect(decodeMetadataRecord(second!)).toMatchObject({ message: other })
})

test('types and versions that came later are passed over', () => {
  expect(decodeMetadataRecord(Buffer.from([1, 99, 0, 0]))).toBeUndefined()
  expect(decodeMetadataRecord(Buffer.from([1, 2, 9, 0]))).toBeUndefined()
  expect(decodeMetadataRecord(Buffer.from([2, 2, 0, 0]))).toBeUndefined()
})

test('a batch keeps its offsets and epoch', () => {
  const [known] = encodeMetadataRecords([metadataRecord(TopicRecord, message)])
  const unknown = value(Buffer.from([1, 99, 0, 0]))
  const batch = decodeMetadataBatch(
    buildBatch({ baseOffset: 5n, leaderEpoch: 4, records: [value(known!), unknown] }),
  )
  expect(batch).toMatchObject({
    baseOffset: 5n,
    lastOffset: 6n,
    leaderEpoch: 4,
    records: [{ message }],
  })
})

test('the control batch of a new leader is Kafka’s, byte for byte', () => {
  const { key, value: bytes } = leaderChange(1)
  expect(key.toString('hex')).toBe('00000002')
  // version 0, leader 1, voters [1], granting voters [1], no tagged fields
  expect(bytes.toString('hex')).toBe(
    '0000' + '00000001' + '02' + '00000001' + '00' + '02' + '00000001' + '00' + '00',
  )
  const record = { key, value: bytes, headers: [], timestamp: 1n }
  const batch = buildBatch({ baseOffset: 0n, leaderEpoch: 1, isControl: true, records: [record] })
  expect(decodeMetadataBatch(batch)).toMatchObject({ control: { leaderId: 1, voterIds: [1] }, records: [] })
})

test('the control records of a snapshot are Kafka’s, byte for byte', () => {
  const header = snapshotHeader(0x0102030405060708n)
  expect(header.key.toString('hex')).toBe('00000003')
  expect(header.value.toString('hex')).toBe('0000' + '0102030405060708' + '00')
  const footer = snapshotFooter()
  expect(footer.key.toString('hex')).toBe('00000004')
  expect(footer.value.toString('hex')).toBe('0000' + '00')
  const records = [{ ...header, headers: [], timestamp: 1n }]
  const batch = buildBatch({ baseOffset: 0n, leaderEpoch: 1, isControl: true, records })
  expect(decodeMetadataBatch(batch)).toMatchObject({
    records: [],
    control: { snapshotTimestamp: 0x0102030405060708n },
  })
})

test('the control records of a quorum whose voters can change are Kafka’s, byte for byte (KIP-853)', () => {
  const voters = [
    {
      voterId: 1,
      voterDirectoryId: 'fGzHe-d_S0CkFuBlPSQqxQ',
      endpoints: [{ name: 'CONTROLLER', host: '127.0.0.1', port: 21001 }],
      kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
    },
  ]
  const records = quorumRecords(1, voters)
  expect(records.map(({ key }) => key.toString('hex'))).toEqual(['00000005', '00000006'])
  expect(records[0]!.value.toString('hex')).toBe('0000' + '0001' + '00')
  expect(records[1]!.value.toString('hex')).toBe(
    // Version 0, one voter: its id, its directory, one endpoint, versions 0 to 1, no tagged fields.
    '0000' +
      '02' +
      '00000001' +
      '7c6cc77be77f4b40a416e0653d242ac5' +
      '02' +
      '0b434f4e54524f4c4c4552' +
      '0a3132372e302e302e31' +
      '5209' +
      '00' +
      '00000001' +
      '00' +
      '00' +
      '00',
  )
  const all = [leaderChange(1), ...records].map((each) => ({ ...each, headers: [], timestamp: 1n }))
  const batch = buildBatch({ baseOffset: 0n, leaderEpoch: 1, isControl: true, records: all })
  expect(decodeMetadataBatch(batch).control).toEqual({ leaderId: 1, voterIds: [1], kraftVersion: 1, voters })
})
