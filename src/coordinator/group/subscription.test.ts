import { expect, test } from 'vitest'
import { subscribedTopics } from './subscription.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

test('topics of a subscription, whatever follows them', () => {
  expect(subscribedTopics(hex('0000 00000002 0001 61 0002 6262 ffffffff'))).toEqual(['a', 'bb'])
  expect(subscribedTopics(hex('0003 00000001 0001 61 00000000 00000000 ffffffff 0000'))).toEqual(['a'])
  expect(subscribedTopics(hex('0001 00000000 ffffffff'))).toEqual([])
})

test('bytes that are no subscription', () => {
  for (const bytes of [
    '',
    '6d',
    '0000',
    'ffff 00000000',
    '0000 ffffffff',
    '0000 7fffffff',
    '0000 00000001 0005 61',
    '0000 00000001 ffff 61',
  ]) {
    expect(subscribedTopics(hex(bytes))).toBeUndefined()
  }
})
