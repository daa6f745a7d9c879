import type { BrokerConfig } from '../config/broker-config.ts'
import type { NewTopic } from './topic-operations.ts'

/**
 * How the broker's own topics are made, with the settings that Apache Kafka gives them. A single broker cannot keep three copies: they
 * get as many as there are brokers, and ask for no more in-sync replicas than that. undefined for any other name.
 */
export function internalTopic(name: string, config: BrokerConfig, brokers: number): NewTopic | undefined {
  if (name === '__consumer_offsets') {
    return {
      name,
      partitions: config.get('offsets.topic.num.partitions'),
      replicationFactor: Math.min(brokers, config.get('offsets.topic.replication.factor')),
      assignments: [],
      configs: new Map([
        ['compression.type', 'producer'],
        ['cleanup.policy', 'compact'],
        ['segment.bytes', String(config.get('offsets.topic.segment.bytes'))],
      ]),
    }
  }
  if (name === '__transaction_state') {
    const replicationFactor = Math.min(brokers, config.get('transaction.state.log.replication.factor'))
    return {
      name,
      partitions: config.get('transaction.state.log.num.partitions'),
      replicationFactor,
      assignments: [],
      configs: new Map([
        ['compression.type', 'uncompressed'],
        ['cleanup.policy', 'compact'],
        [
          'min.insync.replicas',
          String(Math.min(replicationFactor, config.get('transaction.state.log.min.isr'))),
        ],
        ['segment.bytes', String(config.get('transaction.state.log.segment.bytes'))],
        ['unclean.leader.election.enable', 'false'],
      ]),
    }
  }
  return undefined
}
