import { expect, test } from 'vitest'
import { TopicNames } from './facts.ts'

test('topics by the fields that name them, each once', () => {
  const { topics } = new TopicNames().factsOf(
    { topicData: [{ name: 'produced', partitionData: [{ index: 0, records: Buffer.from('x') }] }] },
    { responses: [{ topic: 'fetched' }] },
    { topics: ['a', 'b', 'a'], groups: [{ name: 'no topic' }] },
    { subscribedTopicNames: ['c'], resources: [{ resourceName: 'no topic' }] },
  )
  expect(topics).toEqual(['produced', 'fetched', 'a', 'b', 'c'])
})

test('an id is told by the name that some message gave it, else as it is', () => {
  const names = new TopicNames()
  const id = 'Gqaz4GXYRbCRZl6ZRcwvzQ'
  const other = 'jyJqYsLLQoKVbSxXzkOnQQ'
  expect(names.factsOf({ topics: [{ topicId: id }] }).topics).toEqual([id])
  names.factsOf({ topics: [{ name: 'orders', topicId: id, partitions: [] }] })
  expect(names.factsOf({ topics: [{ topicId: id }, { topicId: other }] }).topics).toEqual(['orders', other])
  expect(names.factsOf({ topics: [{ name: 'x', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }] }).topics).toEqual(['x'])
})

test('error codes wherever they are, each once, without 0', () => {
  const message = {
    errorCode: 0,
    topics: [
      { name: 't', errorCode: 3 },
      { name: 'u', partitions: [{ errorCode: 6 }, { errorCode: 3 }] },
    ],
  }
  expect(new TopicNames().factsOf(message).errorCodes).toEqual([3, 6])
})

test('what is no message has no facts', () => {
  expect(new TopicNames().factsOf(null, undefined, 1, 'x', [])).toEqual({ topics: [], errorCodes: [] })
})
