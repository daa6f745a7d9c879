import { describe, expect, test } from 'vitest'
import { loadCatalog } from '../cli/spec-catalog.ts'
import type { RecordCodec } from '../protocol/api.ts'
import {
  GroupMetadataKey,
  GroupMetadataValue,
  OffsetCommitKey,
  OffsetCommitValue,
} from '../protocol/generated/consumer-offsets-records.ts'
import { ConsumerProtocolAssignment } from '../protocol/generated/group-blobs.ts'
import { FeatureLevelRecord } from '../protocol/generated/metadata-records.ts'
import { Writer } from '../protocol/writer.ts'
import { recordDecoderOf } from './record-decoders.ts'

/** A message behind an int16: the type of a key, the version of a value. */
function behind<Message>(
  number: number,
  codec: RecordCodec<Message>,
  message: Message,
  version: number,
): Buffer {
  const writer = new Writer()
  writer.int16(number)
  codec.encode(writer, message, version)
  return writer.finishCopy()
}

const commitKey = behind(1, OffsetCommitKey, { group: 'billing', topic: 'orders', partition: 3 }, 0)

describe('__consumer_offsets', () => {
  test('a committed position, and its tombstone', async () => {
    const decode = (await recordDecoderOf('__consumer_offsets'))!
    const commit = {
      offset: 42n,
      leaderEpoch: 1,
      metadata: 'm',
      commitTimestamp: 7n,
      expireTimestamp: -1n,
      topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
    }
    const value = behind(3, OffsetCommitValue, commit, 3)
    expect(decode({ key: commitKey, value })).toMatchObject({
      key: { type: 1, data: { group: 'billing', topic: 'orders', partition: 3 } },
      payload: {
        version: 3,
        name: 'OffsetCommitValue',
        data: { offset: 42n, leaderEpoch: 1, metadata: 'm' },
      },
    })
    expect(decode({ key: commitKey, value: null })).toMatchObject({ payload: null })
  })

  test('with the specs: only the fields that the version has', async () => {
    const commit = {
      offset: 42n,
      leaderEpoch: 1,
      metadata: '',
      commitTimestamp: 7n,
      expireTimestamp: -1n,
      topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
    }
    const value = behind(3, OffsetCommitValue, commit, 3)
    const decode = (await recordDecoderOf('__consumer_offsets', loadCatalog))!
    expect(decode({ key: commitKey, value }).payload).toEqual({
      version: 3,
      name: 'OffsetCommitValue',
      data: { offset: 42n, leaderEpoch: 1, metadata: '', commitTimestamp: 7n },
    })
  })

  test('what members of a classic group were given', async () => {
    const decode = (await recordDecoderOf('__consumer_offsets'))!
    const writer = new Writer()
    writer.int16(0)
    const assigned = { assignedPartitions: [{ topic: 'orders', partitions: [0, 2] }], userData: null }
    ConsumerProtocolAssignment.encode(writer, assigned, 0)
    const value = {
      protocolType: 'consumer',
      generation: 1,
      protocol: 'range',
      leader: 'm1',
      currentStateTimestamp: 5n,
      members: [
        {
          memberId: 'm1',
          groupInstanceId: null,
          clientId: 'c',
          clientHost: '/127.0.0.1',
          rebalanceTimeout: 1,
          sessionTimeout: 1,
          subscription: Buffer.from([1]),
          assignment: writer.finishCopy(),
        },
      ],
    }
    const record = {
      key: behind(2, GroupMetadataKey, { group: 'g' }, 0),
      value: behind(3, GroupMetadataValue, value, 3),
    }
    expect(decode(record).payload).toMatchObject({
      data: { members: [{ subscription: Buffer.from([1]), assignment: { version: 0, ...assigned } }] },
    })
  })

  test('what is not known or cut off is told, not thrown', async () => {
    const decode = (await recordDecoderOf('__consumer_offsets'))!
    expect(decode({ key: Buffer.from([0, 99]), value: null })).toEqual({
      problem: 'records of type 99 are not known',
    })
    const future = Buffer.from([0, 99, 0])
    expect(decode({ key: commitKey, value: future }).problem).toBe(
      'OffsetCommitValue of version 99 is not known',
    )
    for (let length = 2; length < commitKey.length; length++)
      expect(decode({ key: commitKey.subarray(0, length), value: null }).problem).toMatch(/at byte/)
  })
})

test('the metadata log', async () => {
  const decode = (await recordDecoderOf('__cluster_metadata'))!
  const writer = new Writer()
  for (const number of [1, FeatureLevelRecord.key, 0]) writer.unsignedVarint(number)
  FeatureLevelRecord.encode(writer, { name: 'metadata.version', featureLevel: 29 }, 0)
  expect(decode({ key: null, value: writer.finishCopy() })).toEqual({
    payload: {
      type: 12,
      name: 'FeatureLevelRecord',
      version: 0,
      data: { name: 'metadata.version', featureLevel: 29 },
    },
  })
  expect(decode({ key: null, value: Buffer.from([1, 99, 0]) }).problem).toBe(
    'records of type 99 are not known',
  )
})

test('other topics have no decoder', async () => {
  expect(await recordDecoderOf('orders')).toBeUndefined()
  expect(await recordDecoderOf(undefined)).toBeUndefined()
})
