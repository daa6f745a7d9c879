// For CommonJS. What it has is that of index.ts, whose declarations are those of an ES module.
type Odradek = typeof import('./index.js', { with: { 'resolution-mode': 'import' }})

export const KafkaRecord: Odradek['KafkaRecord']
export const startKafka: Odradek['startKafka']
export type KafkaRecord = import('./index.js', { with: { 'resolution-mode': 'import' }}).KafkaRecord
export type {
  CreateTopicOptions,
  Kafka,
  MessageToProduce,
  ProducedRecord,
  RecordsOptions,
  StartKafkaOptions,
} from './index.js' with { 'resolution-mode': 'import' }
