import { ZERO_UUID } from '../../src/protocol/api.ts'
import { ConsumerGroupHeartbeat } from '../../src/protocol/generated/consumer-group-heartbeat.ts'
import { FindCoordinator } from '../../src/protocol/generated/find-coordinator.ts'
import { OffsetCommit } from '../../src/protocol/generated/offset-commit.ts'
import { ApiConnection } from '../client/api-connection.ts'
import { patiently } from './patience.ts'

const OF_GROUP = 0
const LEAVES = -1
const REBALANCE_TIMEOUT_MS = 60_000

/** Joins a group of the newer protocol (KIP-848), commits as its member, and leaves; the group stays, with its offsets. */
export async function commitAsMember(
  bootstrapServers: string,
  groupId: string,
  topic: string,
  partitionIndex: number,
  offset: bigint,
): Promise<void> {
  const connection = await ApiConnection.open(bootstrapServers)
  const beat = (memberId: string, memberEpoch: number, topics: string[] | null) =>
    patiently(`heartbeat of ${groupId}`, () =>
      connection.ask(ConsumerGroupHeartbeat, 0, {
        groupId,
        memberId,
        memberEpoch,
        instanceId: null,
        rackId: null,
        rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
        subscribedTopicNames: topics,
        subscribedTopicRegex: null,
        serverAssignor: null,
        topicPartitions: memberEpoch === 0 ? [] : null,
      }),
    )
  try {
    await patiently(`find the coordinator of ${groupId}`, () =>
      connection.ask(FindCoordinator, 2, { key: groupId, keyType: OF_GROUP, coordinatorKeys: [] }),
    )
    const { memberId, memberEpoch } = await beat('', 0, [topic])
    const partition = {
      partitionIndex,
      committedOffset: offset,
      commitTimestamp: -1n,
      committedLeaderEpoch: -1,
      committedMetadata: 'as a member',
    }
    await patiently(`commit of ${groupId}`, async () => {
      const { topics } = await connection.ask(OffsetCommit, 9, {
        groupId,
        generationIdOrMemberEpoch: memberEpoch,
        memberId: memberId!,
        groupInstanceId: null,
        retentionTimeMs: -1n,
        topics: [{ name: topic, topicId: ZERO_UUID, partitions: [partition] }],
      })
      return topics[0]!.partitions[0]!
    })
    await beat(memberId!, LEAVES, null)
  } finally {
    connection.close()
  }
}
