import { type Api, ZERO_UUID } from '../../src/protocol/api.ts'
import { FindCoordinator } from '../../src/protocol/generated/find-coordinator.ts'
import { RequestHeader } from '../../src/protocol/generated/headers.ts'
import { OffsetCommit } from '../../src/protocol/generated/offset-commit.ts'
import { Reader } from '../../src/protocol/reader.ts'
import { Writer } from '../../src/protocol/writer.ts'
import { FrameConnection } from '../client/frame-connection.ts'

const ANSWER_TIMEOUT_MS = 10_000
/** Versions without tagged fields, for short headers. */
const FIND_COORDINATOR_VERSION = 0
const OFFSET_COMMIT_VERSION = 2

/** Commits offsets of a group without members: kafkajs can do that only by joining the group each time. */
export class CommitConnection {
  readonly #connection: FrameConnection

  private constructor(connection: FrameConnection) {
    this.#connection = connection
  }

  static async open(bootstrapServers: string): Promise<CommitConnection> {
    const [host, port] = bootstrapServers.split(':')
    const opened = new CommitConnection(await FrameConnection.open(host!, Number(port)))
    // The first one makes the topic that holds the offsets.
    await opened.#ask(FindCoordinator, FIND_COORDINATOR_VERSION, {
      key: 'any',
      keyType: 0,
      coordinatorKeys: [],
    })
    return opened
  }

  /** Resolves when the broker has acknowledged it; rejects when it refuses or is gone. */
  async commit(groupId: string, topic: string, offset: number): Promise<void> {
    const { topics } = await this.#ask(OffsetCommit, OFFSET_COMMIT_VERSION, {
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

  async #ask<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    request: Request,
  ): Promise<Response> {
    const writer = new Writer()
    writer.beginFrame()
    RequestHeader.encode(
      writer,
      { requestApiKey: api.key, requestApiVersion: version, correlationId: 1, clientId: 'crash-test' },
      api.requestHeaderVersion(version),
    )
    api.request.encode(writer, request, version)
    this.#connection.write(writer.finish())
    const frame = await this.#connection.frame(ANSWER_TIMEOUT_MS)
    if (!Buffer.isBuffer(frame)) throw new Error(`${api.name}: the broker is ${frame}`)
    return api.response.decode(new Reader(frame, 4), version)
  }
}
