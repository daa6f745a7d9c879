import { describe, expect, test } from 'vitest'
import { emitModule } from '../codegen/emit-module.ts'
import { parseErrorCodes, parseSpec } from './parse-spec.ts'
import { formatVersions } from './spec.ts'

const table = `  field       | type        | versions | traits            | description
  throttleMs  | int32       | 1+       | ignorable         | Time.
  topics      | []Topic     | 0+       | nullable 2+       | Topics.
    name      | string      | 0+       | key, entity topicName | Name.
    count     | int64       | 2+       | tag 0, default -1 | Count.`

const api = `api Example, key 7, versions 0-3, flexible 2+

  Shows how a spec
  is read.

changes
  1  KIP-1         The first.
  2  KIP-2, KIP-3  The second,
                   on two lines.
  3  -             The third.

errors
  NOT_CONTROLLER  Asked the wrong one.

request
${table}

response
  nothing
`

const parse = (source: string) =>
  parseSpec('protocol-specs/07-example.spec', source, new Set(['NOT_CONTROLLER']))

/** The message of the error that a change of the good spec causes. */
function mistake(from: string | RegExp, to: string): string {
  const source = api.replace(from, to)
  expect(source).not.toBe(api)
  try {
    parse(source)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('the spec was taken')
}

describe('an API', () => {
  const file = parse(api)

  test('its head, prose, changes and errors', () => {
    expect(file).toMatchObject({
      moduleName: 'example',
      title: 'Example',
      description: 'Shows how a spec is read.',
    })
    expect(file.api).toMatchObject({
      name: 'Example',
      key: 7,
      errors: [{ name: 'NOT_CONTROLLER', text: 'Asked the wrong one.' }],
    })
    expect(file.messages.map((message) => [message.name, message.role, message.flexibleFrom])).toEqual([
      ['ExampleRequest', 'request', 2],
      ['ExampleResponse', 'response', 2],
    ])
    expect(file.messages[0]!.changes).toEqual([
      { version: 1, kips: [1], text: 'The first.' },
      { version: 2, kips: [2, 3], text: 'The second, on two lines.' },
      { version: 3, kips: [], text: 'The third.' },
    ])
  })

  test('its fields', () => {
    const [throttle, topics] = file.messages[0]!.root.fields
    expect(throttle).toMatchObject({
      name: 'throttleMs',
      type: 'int32',
      isArray: false,
      ignorable: true,
      description: 'Time.',
    })
    expect(topics).toMatchObject({ type: 'Topic', isArray: true, nullable: { from: 2, to: 3 } })
    const [name, count] = topics!.struct!.fields
    expect(name).toMatchObject({ isMapKey: true, entityType: 'topicName' })
    expect(count).toMatchObject({ tag: 0, defaultValue: -1n })
    expect(formatVersions(count!.versions)).toBe('2-3')
  })

  test('its module', () => {
    const code = emitModule(file)
    expect(code).toContain('export const Example: Api<ExampleRequest, ExampleResponse>')
    expect(code).toContain("const throttleMs = version >= 1 ? reader.int32('throttleMs') : 0")
    expect(code).toContain('Versions 1+.')
  })
})

describe('a mistake is told with file, line and cause', () => {
  test.each<[string, string | RegExp, string, string]>([
    [
      'first word',
      'api Example',
      'apy Example',
      ":1: a spec begins with 'api Name, key N, versions N-N, flexible N+' or 'family title'",
    ],
    [
      'heading',
      'key 7',
      'kee 7',
      ":1: unknown word 'kee' (key, versions, flexible, unstable, response-header, old-header)",
    ],
    ['key', 'key 7', 'key seven', ":1: 'key' needs a number, not 'seven'"],
    ['no flexible', ', flexible 2+', '', ":1: Example needs 'flexible N+' or 'flexible never'"],
    [
      'open versions',
      'versions 0-3',
      'versions 0+',
      ":1: Example needs 'versions' with an end, such as 'versions 0-13'",
    ],
    ['section', 'errors\n', 'erors\n', ":12: unknown section 'erors' (changes, errors, request, response)"],
    ['missing', /response\n {2}nothing\n/, '', ':1: Example has no response'],
    [
      'change',
      'KIP-1 ',
      'KIP1 ',
      ":7: a change reads '3 KIP-98 What it brought.', with '-' when there was no KIP",
    ],
    ['change order', '  3  - ', '  2  - ', ':10: changes go upwards, one for each version'],
    ['change version', '  3  - ', '  4  - ', ':10: Example has no version 4'],
    ['error name', 'NOT_CONTROLLER', 'NOT_KING', ":13: unknown error 'NOT_KING'"],
    [
      'table heading',
      '| traits  ',
      '| tricks  ',
      ':16: a table begins with its heading: field | type | versions | traits | description',
    ],
    [
      'columns',
      '| Time.',
      '',
      ':17: a row has 5 columns (field | type | versions | traits | description), this one has 4',
    ],
    ['description', '| Time.', '|', ':17: throttleMs has no description'],
    ['prose', / {2}Shows how a spec\n.*\n/, '', ':1: Example has no description'],
    ['note', / {2}3 {2}-.*\n/, '', ':1: Example does not say what version 3 changed'],
    ['type', '| int32  ', '| int33  ', ":17: unknown type 'int33' of throttleMs"],
    [
      'field name',
      '  throttleMs ',
      '  ThrottleMs ',
      ":17: 'ThrottleMs' is no field name: small first letter, no blanks",
    ],
    ['versions', '| 1+  ', '| one ', ":17: 'one' is no range of versions (3, 0-2 or 3+)"],
    ['versions beyond', '| 1+  ', '| 1-4 ', ':17: throttleMs has versions 1-4, which are not among 0-3'],
    ['trait', '| ignorable ', '| ignorant ', ":17: unknown trait 'ignorant' of throttleMs"],
    ['twice', '| ignorable         ', '| ignorable, ignorable', ":17: 'ignorable' appears twice"],
    ['entity', 'entity topicName', 'entity topic', ":19: unknown trait 'entity topic' of name"],
    ['null', '| ignorable         ', '| nullable', ':17: throttleMs of type int32 cannot be null'],
    ['default', 'default -1', 'default x', ":20: 'x' is no default for count of type int64"],
    ['tags', 'tag 0', 'tag 1', ':19: the tags of Topic are 1: they count from 0, each once'],
    ['tag', /2\+ {7}\| tag/, '0+       | tag', ':20: count has a tag in versions that are not flexible'],
    ['no rows', /\n {4}name[\s\S]*?(?=\n\nresponse)/, '', ':18: the struct Topic has no rows'],
    [
      'rows of a number',
      '| []Topic ',
      '| int32   ',
      ':19: topics is of type int32 and has no fields of its own',
    ],
    ['field twice', '    count ', '    name  ', ':20: name appears twice'],
    ['indent', '    count ', '     count', ':20: name is of type string and has no fields of its own'],
    [
      'first indent',
      '  throttleMs ',
      '   throttleMs',
      ':17: throttleMs is indented deeper than its neighbours',
    ],
    ['tab', '    count ', '\t  count ', ':20: indent with blanks, not with tabs'],
  ])('%s', (_, from, to, expected) => {
    expect(mistake(from, to)).toBe(`protocol-specs/07-example.spec${expected}`)
  })

  test('an empty file', () => {
    expect(() => parse('# nothing but a comment\n')).toThrow(
      'protocol-specs/07-example.spec:1: the file is empty',
    )
  })

  test('a family whose message has no table', () => {
    const source = 'family Things\n\nmessage Thing, versions 0, flexible never\n\n  A thing.\n'
    expect(() => parse(source)).toThrow(":3: Thing has no section 'fields'")
    expect(() => parse(source.replace('  A thing.', ''))).toThrow(':3: Thing has no description')
  })
})

describe('layouts', () => {
  const source = `family Things

layout Thing, versions 1-2, flexible never

  A thing.

changes
  2  -  Has a key.

fields
  field  | type    | versions | traits                  | description
  length | varint  | 1+       |                         | Length.
  time   | varlong | 1+       |                         | Time.
  kind   | uvarint | 1+       |                         | Kind.
  key    | bytes   | 2        | nullable, varint-length | Key.
`

  test('have varints, and lengths that are varints', () => {
    const [thing] = parse(source).messages
    expect(thing).toMatchObject({ name: 'Thing', role: 'layout', versions: { from: 1, to: 2 } })
    expect(thing!.root.fields.map(({ type, varintLength }) => [type, varintLength])).toEqual([
      ['varint', false],
      ['varlong', false],
      ['uvarint', false],
      ['bytes', true],
    ])
  })

  test('messages have neither', () => {
    const message = source.replace('layout Thing', 'message Thing')
    expect(() => parse(message)).toThrow(':12: length is a varint, which only layouts have')
    expect(() => parse(message.replaceAll(/\bu?var(int|long)(?= +\|)/g, 'int32'))).toThrow(
      ":15: unknown trait 'varint-length' of key",
    )
  })
})

describe('error codes', () => {
  const parseCodes = (rows: string) => parseErrorCodes('error-codes.spec', `error codes\n\n${rows}`)

  test('a row each', () => {
    expect(
      parseCodes('  code | name | retriable | meaning | remedy\n  3 | UNKNOWN | yes | Why. | What.'),
    ).toEqual([{ code: 3, name: 'UNKNOWN', retriable: true, meaning: 'Why.', remedy: 'What.' }])
  })

  test('mistakes', () => {
    expect(() => parseCodes('  3 | UNKNOWN | maybe | a | b')).toThrow(
      "error-codes.spec:3: retriable is yes or no, not 'maybe'",
    )
    expect(() => parseCodes('  3 | A | no | a | b\n  3 | B | no | a | b')).toThrow(
      'error-codes.spec:4: 3 B: codes go upwards, each once',
    )
    expect(() => parseCodes('  3 | A | no | a |')).toThrow(
      'A does not say when it is answered and what to do about it',
    )
    expect(() => parseErrorCodes('error-codes.spec', 'codes\n')).toThrow(
      "error-codes.spec:1: the list begins with 'error codes'",
    )
  })
})
