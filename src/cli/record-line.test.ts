import { describe, expect, test } from 'vitest'
import { formatRecordLine, parseRecordLine } from './record-line.ts'

const record = {
  partition: 2,
  offset: 9007199254740993n,
  timestamp: 1_700_000_000_000n,
  key: Buffer.from('a'),
  value: Buffer.from('{"total":42}'),
  headers: [{ key: 'source', value: Buffer.from('shop') }],
}

test('a record is one line, with offsets beyond 2^53 exact', () => {
  expect(formatRecordLine('orders', record)).toBe(
    '{"topic":"orders","partition":2,"offset":9007199254740993,"timestamp":1700000000000,' +
      '"key":"a","value":{"total":42},"headers":{"source":"shop"}}',
  )
})

describe('the bytes come back', () => {
  test.each([
    ['nothing', null],
    ['empty', Buffer.alloc(0)],
    ['text', Buffer.from('zwölf "Stück"\n')],
    ['JSON', Buffer.from('{"a":[1,2],"b":null}')],
    ['JSON with spaces', Buffer.from('{ "a": 1 }')],
    ['JSON with a number that a double cannot hold', Buffer.from('{"id":12345678901234567890}')],
    ['JSON with a name twice', Buffer.from('{"a":1,"a":2}')],
    ['a JSON string', Buffer.from('"quoted"')],
    ['a number', Buffer.from('42')],
    ['what looks like our mark', Buffer.from('{"$base64":"AP8="}')],
    ['bytes that are no text', Buffer.from([0, 255, 254])],
  ])('%s', (_, value) => {
    const back = parseRecordLine(formatRecordLine('t', { ...record, key: value, value }))
    expect(back.key).toEqual(value)
    expect(back.value).toEqual(value)
  })

  test.each([
    ['a name twice', ['a', 'b', 'a']],
    ['names that an object would sort', ['b', '1', '0']],
    ['a name with a meaning', ['__proto__', 'constructor']],
    ['in order', ['z', 'a']],
  ])('headers: %s', (_, names) => {
    const headers = names.map((key, index) => ({
      key,
      value: index === 0 ? null : Buffer.from([index, 200]),
    }))
    expect(parseRecordLine(formatRecordLine('t', { ...record, headers })).headers).toEqual(headers)
  })

  test('partition and timestamp, too', () => {
    expect(parseRecordLine(formatRecordLine('t', record))).toMatchObject({
      partition: 2,
      timestamp: 1_700_000_000_000n,
    })
  })
})

test('fields may be left out, and other JSON values are taken as their JSON', () => {
  expect(parseRecordLine('{"key":7,"value":{"a": [true]}}')).toEqual({
    partition: undefined,
    timestamp: undefined,
    key: Buffer.from('7'),
    value: Buffer.from('{"a":[true]}'),
    headers: [],
  })
  expect(parseRecordLine('{"timestamp":"2026-01-01T00:00:00Z"}').timestamp).toBe(1767225600000n)
})

test.each([
  ['{"value":', /^no JSON/],
  ['"text"', /no JSON object/],
  ['[]', /no JSON object/],
  ['{"vale":1}', /unknown field "vale"; there are topic, partition/],
  ['{"partition":-1}', /partition is a whole number from 0, not -1/],
  ['{"partition":"0"}', /not "0"/],
  ['{"timestamp":"soon"}', /ISO date, not "soon"/],
  ['{"timestamp":1.5}', /not 1\.5/],
  ['{"headers":"a"}', /headers is an object/],
  ['{"value":{"$base64":"???"}}', /value has \$base64, but/],
  ['{"value":{"$base64":"AP8=","more":1}}', /value has \$base64, but/],
])('%s says what is wrong', (line, message) => {
  expect(() => parseRecordLine(line)).toThrow(message)
})
