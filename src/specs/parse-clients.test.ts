import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseClients } from './parse-clients.ts'

const head = 'clients\n\n  Prose.\n\nversions\n  key | api | kafkajs 2.2 | Java 4.3 | in Java | tools\n'

test('who sends an API', () => {
  const source = `${head}  1 | Fetch | to 11 | 4-18 | consumer, Streams | -\n  47 | OffsetDelete | - | 0 | - | kafka-ui, AKHQ\n`
  expect(parseClients('clients.table', source)).toEqual([
    {
      key: 1,
      name: 'Fetch',
      clients: [
        { client: 'kafkajs 2.2', from: undefined, to: 11 },
        { client: 'Java 4.3', from: 4, to: 18 },
      ],
      javaParts: 'consumer, Streams',
      tools: [],
    },
    {
      key: 47,
      name: 'OffsetDelete',
      clients: [{ client: 'Java 4.3', from: 0, to: 0 }],
      javaParts: '',
      tools: ['kafka-ui', 'AKHQ'],
    },
  ])
})

test('mistakes are told with their line', () => {
  const parse = (rows: string) => () => parseClients('clients.table', head + rows)
  expect(parse('  1 | Fetch | x | - | - | -\n')).toThrow("clients.table:7: 'x' is none of 3, 0-2, to 7 and -")
  expect(parse('  1 | Fetch | -\n')).toThrow('clients.table:7: a row has 6 columns, this one has 3')
  expect(parse('  2 | A | - | - | - | -\n  1 | B | - | - | - | -\n')).toThrow(
    'clients.table:8: keys of APIs ascend',
  )
  expect(() => parseClients('clients.table', 'others\n')).toThrow(
    "clients.table:1: the file begins with 'clients'",
  )
})

test('the table of this package', () => {
  const source = readFileSync(new URL('../../protocol-specs/clients.table', import.meta.url), 'utf8')
  const rows = parseClients('protocol-specs/clients.table', source)
  expect(rows.length).toBeGreaterThan(60)
  expect(rows[0]!.clients.map(({ client }) => client)).toEqual([
    'kafkajs 2.2',
    'librdkafka 2.15',
    '@platformatic/kafka 2',
    'Java 4.3',
  ])
})
