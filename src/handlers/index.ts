import type { ApiEntry } from './handler.ts'

/**
 * THE list: what this broker serves. ApiVersions is built from it and the dispatcher looks handlers up in it, so that what is
 * advertised is served and what is not here is refused. A handler's module is loaded when its first request arrives: a start that
 * nobody asks for DescribeConfigs does not pay for it.
 *
 * Every API begins at version 0: KIP-896 removed old versions from Apache Kafka 4, here the door stays open.
 */
export const apis: readonly ApiEntry[] = [
  api(0, 'Produce', 13, () => import('./produce.ts').then((m) => m.produce)),
  api(1, 'Fetch', 18, () => import('./fetch.ts').then((m) => m.fetch)),
  api(2, 'ListOffsets', 11, () => import('./list-offsets.ts').then((m) => m.listOffsets)),
  api(3, 'Metadata', 13, () => import('./metadata.ts').then((m) => m.metadata)),
  api(8, 'OffsetCommit', 10, () => import('./offset-commit.ts').then((m) => m.offsetCommit)),
  api(9, 'OffsetFetch', 10, () => import('./offset-fetch.ts').then((m) => m.offsetFetch)),
  api(10, 'FindCoordinator', 6, () => import('./find-coordinator.ts').then((m) => m.findCoordinator)),
  api(11, 'JoinGroup', 9, () => import('./join-group.ts').then((m) => m.joinGroup)),
  api(12, 'Heartbeat', 4, () => import('./heartbeat.ts').then((m) => m.heartbeat)),
  api(13, 'LeaveGroup', 5, () => import('./leave-group.ts').then((m) => m.leaveGroup)),
  api(14, 'SyncGroup', 5, () => import('./sync-group.ts').then((m) => m.syncGroup)),
  api(15, 'DescribeGroups', 6, () => import('./describe-groups.ts').then((m) => m.describeGroups)),
  api(16, 'ListGroups', 5, () => import('./list-groups.ts').then((m) => m.listGroups)),
  api(17, 'SaslHandshake', 1, () => import('./sasl-handshake.ts').then((m) => m.saslHandshake)),
  api(18, 'ApiVersions', 4, () => import('./api-versions.ts').then((m) => m.apiVersions)),
  api(19, 'CreateTopics', 7, () => import('./create-topics.ts').then((m) => m.createTopics)),
  api(20, 'DeleteTopics', 6, () => import('./delete-topics.ts').then((m) => m.deleteTopics)),
  api(21, 'DeleteRecords', 2, () => import('./delete-records.ts').then((m) => m.deleteRecords)),
  api(22, 'InitProducerId', 5, () => import('./init-producer-id.ts').then((m) => m.initProducerId)),
  api(23, 'OffsetForLeaderEpoch', 4, () =>
    import('./offset-for-leader-epoch.ts').then((m) => m.offsetForLeaderEpoch),
  ),
  api(29, 'DescribeAcls', 3, () => import('./describe-acls.ts').then((m) => m.describeAcls)),
  api(30, 'CreateAcls', 3, () => import('./create-acls.ts').then((m) => m.createAcls)),
  api(31, 'DeleteAcls', 3, () => import('./delete-acls.ts').then((m) => m.deleteAcls)),
  api(32, 'DescribeConfigs', 4, () => import('./describe-configs.ts').then((m) => m.describeConfigs)),
  api(33, 'AlterConfigs', 2, () => import('./alter-configs.ts').then((m) => m.alterConfigs)),
  api(34, 'AlterReplicaLogDirs', 2, () =>
    import('./alter-replica-log-dirs.ts').then((m) => m.alterReplicaLogDirs),
  ),
  api(35, 'DescribeLogDirs', 5, () => import('./describe-log-dirs.ts').then((m) => m.describeLogDirs)),
  api(36, 'SaslAuthenticate', 2, () => import('./sasl-authenticate.ts').then((m) => m.saslAuthenticate)),
  api(37, 'CreatePartitions', 3, () => import('./create-partitions.ts').then((m) => m.createPartitions)),
  api(38, 'CreateDelegationToken', 3, () =>
    import('./create-delegation-token.ts').then((m) => m.createDelegationToken),
  ),
  api(39, 'RenewDelegationToken', 2, () =>
    import('./renew-delegation-token.ts').then((m) => m.renewDelegationToken),
  ),
  api(40, 'ExpireDelegationToken', 2, () =>
    import('./expire-delegation-token.ts').then((m) => m.expireDelegationToken),
  ),
  api(41, 'DescribeDelegationToken', 3, () =>
    import('./describe-delegation-token.ts').then((m) => m.describeDelegationToken),
  ),
  api(42, 'DeleteGroups', 2, () => import('./delete-groups.ts').then((m) => m.deleteGroups)),
  api(43, 'ElectLeaders', 2, () => import('./elect-leaders.ts').then((m) => m.electLeaders)),
  api(44, 'IncrementalAlterConfigs', 1, () =>
    import('./incremental-alter-configs.ts').then((m) => m.incrementalAlterConfigs),
  ),
  api(45, 'AlterPartitionReassignments', 1, () =>
    import('./alter-partition-reassignments.ts').then((m) => m.alterPartitionReassignments),
  ),
  api(46, 'ListPartitionReassignments', 0, () =>
    import('./list-partition-reassignments.ts').then((m) => m.listPartitionReassignments),
  ),
  api(47, 'OffsetDelete', 0, () => import('./offset-delete.ts').then((m) => m.offsetDelete)),
  api(48, 'DescribeClientQuotas', 1, () =>
    import('./describe-client-quotas.ts').then((m) => m.describeClientQuotas),
  ),
  api(49, 'AlterClientQuotas', 1, () => import('./alter-client-quotas.ts').then((m) => m.alterClientQuotas)),
  api(50, 'DescribeUserScramCredentials', 0, () =>
    import('./describe-user-scram-credentials.ts').then((m) => m.describeUserScramCredentials),
  ),
  api(51, 'AlterUserScramCredentials', 0, () =>
    import('./alter-user-scram-credentials.ts').then((m) => m.alterUserScramCredentials),
  ),
  api(55, 'DescribeQuorum', 2, () => import('./describe-quorum.ts').then((m) => m.describeQuorum)),
  api(57, 'UpdateFeatures', 2, () => import('./update-features.ts').then((m) => m.updateFeatures)),
  api(60, 'DescribeCluster', 2, () => import('./describe-cluster.ts').then((m) => m.describeCluster)),
  api(61, 'DescribeProducers', 0, () => import('./describe-producers.ts').then((m) => m.describeProducers)),
  api(64, 'UnregisterBroker', 0, () => import('./unregister-broker.ts').then((m) => m.unregisterBroker)),
  api(68, 'ConsumerGroupHeartbeat', 1, () =>
    import('./consumer-group-heartbeat.ts').then((m) => m.consumerGroupHeartbeat),
  ),
  api(69, 'ConsumerGroupDescribe', 1, () =>
    import('./consumer-group-describe.ts').then((m) => m.consumerGroupDescribe),
  ),
  api(74, 'ListConfigResources', 1, () =>
    import('./list-config-resources.ts').then((m) => m.listConfigResources),
  ),
  api(75, 'DescribeTopicPartitions', 0, () =>
    import('./describe-topic-partitions.ts').then((m) => m.describeTopicPartitions),
  ),
  api(80, 'AddRaftVoter', 1, () => import('./add-raft-voter.ts').then((m) => m.addRaftVoter)),
  api(81, 'RemoveRaftVoter', 0, () => import('./remove-raft-voter.ts').then((m) => m.removeRaftVoter)),
]

function api(key: number, name: string, maxVersion: number, load: ApiEntry['load']): ApiEntry {
  return { key, name, minVersion: 0, maxVersion, load }
}
