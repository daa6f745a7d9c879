import { expect, test } from 'vitest'
import { BrokerConfig } from './broker-config.ts'
import { consumerAssignors } from './consumer-assignors.ts'

const config = (assignors: string) =>
  BrokerConfig.fromProperties(new Map([['group.consumer.assignors', assignors]]))

test('by name and by class', () => {
  expect(consumerAssignors(BrokerConfig.fromProperties(new Map()))).toEqual(['uniform', 'range'])
  expect(
    consumerAssignors(config('org.apache.kafka.coordinator.group.assignor.RangeAssignor,uniform')),
  ).toEqual(['range', 'uniform'])
})

test('none but those that there are', () => {
  expect(() => config('com.example.Mine')).toThrow('there is no Java here')
})
