import { expect, test } from 'vitest'
import { subscribedTopics } from './subscription.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

test('topics of a subscription of each version, whatever follows it', () => {
  expect(subscribedTopics(hex('0000 00000002 0001 61 0002 6262 ffffffff'))).toEqual(['a', 'bb'])
  expect(subscribedTopics(hex('0000 00000001 0001 61 00000002 7a7a'))).toEqual(['a'])
  expect(subscribedTopics(hex('0001 00000000 ffffffff 00000001 0001 61 00000002 00000000 00000001'))).toEqual(
    [],
  )
  expect(subscribedTopics(hex('0002 00000001 0001 61 00000000 00000000 00000007'))).toEqual(['a'])
  expect(subscribedTopics(hex('0003 00000001 0001 61 00000000 00000000 ffffffff 0001 72'))).toEqual(['a'])
  expect(subscribedTopics(hex('0003 00000001 0001 61 00000000 00000000 ffffffff ffff 7a7a'))).toEqual(['a'])
})

test('a later version is read as the last one that is known', () => {
  expect(subscribedTopics(hex('0063 00000001 0001 61 00000000 00000000 ffffffff ffff 7a'))).toEqual(['a'])
  expect(subscribedTopics(hex('0063 00000001 0001 61 00000000'))).toBeUndefined()
})

test('bytes that are no subscription, or not all of one', () => {
  for (const bytes of [
    '',
    '6d',
    '0000',
    'ffff 00000000 ffffffff',
    '0000 ffffffff ffffffff',
    '0000 7fffffff ffffffff',
    '0000 00000001 0005 61',
    '0000 00000001 ffff 61 ffffffff',
    '0000 00000001 0001 61',
    '0000 00000000 00000003 6161',
    '0001 00000000 ffffffff',
    '0001 00000000 ffffffff 00000001 0001 61 00000002 00000000',
    '0001 00000000 ffffffff ffffffff',
    '0002 00000000 ffffffff 00000000 0000',
    '0003 00000000 ffffffff 00000000 00000000',
    '0003 00000000 ffffffff 00000000 00000000 0002 72',
  ]) {
    expect(subscribedTopics(hex(bytes)), bytes).toBeUndefined()
  }
})
