import { describe, expect, test } from 'vitest'
import { parseSpec } from '../specs/parse-spec.ts'
import { contextOf } from './context.ts'
import { inspectMessage } from './inspect-message.ts'
import { toJsonValue } from './json-value.ts'
import { regionOf, sentence, walk } from './node.ts'
import { catalog } from './test-support/catalog.ts'

const source = `family Things

message Thing, versions 0-1, flexible 1+

  A thing.

changes
  1  -  Is flexible.

fields
  field    | type     | versions | traits                 | description
  id       | int32    | 0+       |                        | Its id.
  names    | []string | 0+       |                        | Its names.
  part     | Part     | 1+       | nullable, default null | Its part.
    size   | int16    | 1+       |                        | Its size.
  spare    | Part     | 1+       | nullable, tag 0, default null | Another part.
  blob     | bytes    | 0+       | nullable               | Anything.

layout Row, versions 0, flexible never

  A row.

fields
  field | type    | versions | traits                  | description
  count | varint  | 0        |                         | A number.
  time  | varlong | 0        |                         | A time.
  kind  | uvarint | 0        |                         | A kind.
  key   | string  | 0        | nullable, varint-length | A key.
`
const [thing, row] = parseSpec('protocol-specs/things.spec', source, new Set()).messages

function inspect(spec: typeof thing, version: number, hex: string, limit?: number) {
  const region = regionOf(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
  return inspectMessage(spec!, version, region, 0, contextOf(catalog, limit, Number.POSITIVE_INFINITY))
}

const read = (version: number, hex: string) => {
  const { root, problem } = inspect(thing, version, hex)
  return problem === undefined ? toJsonValue(root) : sentence(problem)
}

describe('values', () => {
  test('classic lengths', () => {
    const value = { id: 7, names: ['a', ''], blob: null }
    expect(read(0, '00000007 00000002 0001 61 0000 ffffffff')).toEqual(value)
  })

  test('compact lengths, structs that may be null, tagged fields', () => {
    expect(read(1, '00000007 01 ff 00 00')).toEqual({ id: 7, names: [], part: null, blob: null })
    expect(read(1, '00000007 01 01 0005 00 03 beef 02 00 04 01 0009 00 05 01 aa')).toEqual({
      id: 7,
      names: [],
      part: { size: 5 },
      spare: { size: 9 },
      blob: 'beef',
      _tagged: { 5: 'aa' },
    })
    expect(read(1, '00000007 01 ff 00 01 00 01 00')).toMatchObject({ spare: null })
  })

  test('varints of layouts', () => {
    const { root } = inspect(row, 0, '03 ffffffffffffffffff01 ac02 04 6162')
    expect(root.children.map(({ value }) => value)).toEqual([-2, -(2n ** 63n), 300, 'ab'])
    expect(inspect(row, 0, '00 00 00 01').root.children[3]!.value).toBeNull()
  })
})

test('each node has its path, place, bytes, encoding and description', () => {
  const { root } = inspect(thing, 1, '00000007 02 02 61 ff 00 00')
  const [array, element] = [root.children[1]!, root.children[1]!.children[0]!]
  expect(array).toMatchObject({ path: 'names', type: '[]string', position: 4, length: 3, headLength: 1 })
  expect(array).toMatchObject({
    encoding: 'compact array, count + 1 as unsigned varint',
    description: 'Its names.',
  })
  expect(element).toMatchObject({ path: 'names[0]', position: 5, length: 2, value: 'a' })
})

describe('what is wrong', () => {
  test.each([
    [
      'a message that ends',
      0,
      '00000007 000000',
      'Byte 7 (names): the message ends here; expected 1 byte more.',
    ],
    [
      'a count without room',
      0,
      '00000007 00000009 0000',
      'Byte 4 (names): 00 00 00 09 says 9 elements; expected at most 1, for which the 2 bytes behind have room. Usual cause: the ' +
        'message is shifted here, or the count is wrong.',
    ],
    [
      'bytes that are left',
      0,
      '00000007 00000000 ffffffff 0000',
      'Byte 12: 2 bytes behind the last field; expected the end of the message.',
    ],
    [
      'a tagged field of another size',
      1,
      '00000007 01 ff 00 01 00 05 01 0009 00 00',
      'Byte 9 (tagged fields[0]): 5 bytes for tag 0; expected 4, which is what its value takes.',
    ],
    [
      'a varint without an end',
      1,
      '00000007 ffffffffff 01',
      'Byte 4 (names): ff ff ff ff ff goes on after 5 bytes; expected a varint of at most 5 bytes. Usual cause: the message is ' +
        'shifted here.',
    ],
  ])('%s', (_, version, hex, expected) => {
    expect(read(version, hex)).toBe(expected)
  })
})

test('with a limit all is read, and less is kept', () => {
  const names = '0001 61'.repeat(50)
  const { root, problem } = inspect(thing, 0, `00000007 00000032 ${names} ffffffff`, 3)
  expect(problem).toBeUndefined()
  expect([root.children[1]!.children.length, root.children[1]!.omitted]).toEqual([3, 47])
  expect([...walk(root)]).toHaveLength(7)
})
