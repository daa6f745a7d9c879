import { StreamsGroupHeartbeat } from '../../src/protocol/generated/streams-group-heartbeat.ts'
import { ApiConnection } from '../client/api-connection.ts'

/** Has a first member join a streams group (KIP-1071) that reads a topic, as Kafka Streams does. */
export async function joinStreamsGroup(
  bootstrapServers: string,
  groupId: string,
  topic: string,
): Promise<void> {
  const connection = await ApiConnection.open(bootstrapServers)
  const { errorCode, errorMessage } = await connection.ask(StreamsGroupHeartbeat, 0, {
    groupId,
    memberId: 'AAAAAAAAAAAAAAAAAAAAAQ',
    memberEpoch: 0,
    endpointInformationEpoch: 0,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: 60_000,
    topology: {
      epoch: 0,
      subtopologies: [
        {
          subtopologyId: '0',
          sourceTopics: [topic],
          sourceTopicRegex: [],
          stateChangelogTopics: [],
          repartitionSinkTopics: [],
          repartitionSourceTopics: [],
          copartitionGroups: [],
        },
      ],
    },
    activeTasks: [],
    standbyTasks: [],
    warmupTasks: [],
    processId: 'process',
    userEndpoint: null,
    clientTags: [],
    taskOffsets: null,
    taskEndOffsets: null,
    shutdownApplication: false,
  })
  connection.close()
  if (errorCode !== 0) throw new Error(`join ${groupId}: error ${errorCode} ${errorMessage}`)
}
