import { expect, test } from 'vitest'
import { parseProperties } from './properties-file.ts'

const parsed = (text: string) => Object.fromEntries(parseProperties(text))

test('names end at =, : or space', () => {
  expect(parsed('a=1\nb: 2\nc 3\n  d  =  4 \ne\n')).toEqual({ a: '1', b: '2', c: '3', d: '4 ', e: '' })
  expect(parsed('a==b\nc=:d\nlisteners=PLAINTEXT://:9092')).toEqual({
    a: '=b',
    c: ':d',
    listeners: 'PLAINTEXT://:9092',
  })
})

test('comments and empty lines say nothing, of all kinds of line ends', () => {
  expect(parsed('# a=1\r\n  ! b=2\r\n\r\nc=3\rd=4 # no comment')).toEqual({ c: '3', d: '4 # no comment' })
})

test('a backslash at the end takes in the next line without its indentation', () => {
  expect(parsed('a=1,\\\n   2,\\\r\n   3\nb=4\\\\\nc=5\\')).toEqual({ a: '1,2,3', b: '4\\', c: '5' })
  expect(parsed('a=1\\\n#2\nb=3')).toEqual({ a: '1#2', b: '3' })
})

test('escapes', () => {
  expect(parsed('a\\=b\\:c\\ d=\\tx\\n\\u00e9\\q')).toEqual({ 'a=b:c d': '\tx\néq' })
})

test('the last one counts', () => {
  expect(parsed('a=1\na=2')).toEqual({ a: '2' })
})
