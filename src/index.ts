export { KafkaRecord, type MessageToProduce, type ProducedRecord } from './testing/kafka-record.ts'
export {
  type CreateTopicOptions,
  type Kafka,
  type RecordsOptions,
  type StartKafkaOptions,
  startKafka,
} from './testing/start-kafka.ts'
