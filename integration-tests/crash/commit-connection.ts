import { ZERO_UUID } from '../../src/protocol/api.ts'
import { FindCoordinator } from '../../src/protocol/generated/find-coordinator.ts'
import { OffsetCommit } from '../../src/protocol/generated/offset-commit.ts'
import { ApiConnection } from '../client/api-connection.ts'

const FIND_COORDINATOR_VERSION = 0
const OFFSET_COMMIT_VERSION = 2

/** Commits offsets of a group without members: kafkajs can do that only by joining the group each time. */
export class CommitConnection {
  readonly #connection: ApiConnection

  private constructor(connection: ApiConnection) {
    this.#connection = connection
  }

  static async open(bootstrapServers: string): Promise<CommitConnection> {
    const opened = new CommitConnection(await ApiConnection.open(bootstrapServers))
    // The first one makes the topic that holds the offsets.
    await opened.#connection.ask(FindCoordinator, FIND_COORDINATOR_VERSION, {
      key: 'any',
      keyType: 0,
      coordinatorKeys: [],
    })
    return opened
  }

  /** Resolves when the broker has acknowledged it; rejects when it refuses or is gone. */
  async commit(groupId: string, topic: string, offset: number): Promise<void> {
    const { topics } = await this.#connection.ask(OffsetCommit, OFFSET_COMMIT_VERSION, {
      groupId,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      retentionTimeMs: -1n,
      topics: [
        {
          name: topic,
          topicId: ZERO_UUID,
          partitions: [
            {
              partitionIndex: 0,
              committedOffset: BigInt(offset),
              commitTimestamp: -1n,
              committedLeaderEpoch: -1,
              committedMetadata: '',
            },
          ],
        },
      ],
    })
    const code = topics[0]?.partitions[0]?.errorCode
    if (code !== 0) throw new Error(`the commit was refused with error ${code}`)
  }

  async disconnect(): Promise<void> {
    this.#connection.close()
  }
}
