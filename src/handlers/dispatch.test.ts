import { describe, expect, test } from 'vitest'
import type { Api } from '../protocol/api.ts'
import { Dispatcher } from './dispatch.ts'
import {
  type AnyHandler,
  type ApiEntry,
  type BrokerServices,
  CloseConnectionError,
  type ConnectionInfo,
  NO_RESPONSE,
  type RequestContext,
} from './handler.ts'

type Answer = number | typeof NO_RESPONSE | Promise<number>

/** An API of one number in, one number out; flexible from version 1 on. */
function entryOf(key: number, handle: (request: number, context: RequestContext) => Answer) {
  const codec: Api<number, number>['request'] = {
    name: 'Number',
    minVersion: 0,
    maxVersion: 1,
    firstFlexibleVersion: 1,
    decode: (reader) => reader.int32('number'),
    encode: (writer, message) => writer.int32(message),
  }
  const api: Api<number, number> = {
    key,
    name: `Api${key}`,
    minVersion: 0,
    maxVersion: 1,
    firstFlexibleVersion: 1,
    requestHeaderVersion: (version) => (version >= 1 ? 2 : 1),
    responseHeaderVersion: (version) => (version >= 1 ? 1 : 0),
    request: codec,
    response: codec,
  }
  let loads = 0
  const entry: ApiEntry = {
    key,
    name: api.name,
    minVersion: 0,
    maxVersion: 1,
    load: async () => {
      loads++
      return { api, handle } as AnyHandler
    },
  }
  return { entry, loads: () => loads }
}

const apiVersionsEntry: ApiEntry = {
  key: 18,
  name: 'ApiVersions',
  minVersion: 0,
  maxVersion: 4,
  load: () => Promise.reject(new Error('ApiVersions is there from the start')),
}

function setUp(handle: (request: number, context: RequestContext) => Answer = (request) => request + 1) {
  const { entry, loads } = entryOf(500, handle)
  const services = {
    apis: [apiVersionsEntry, entry],
    metadata: {
      features: new Map([['metadata.version', 30]]),
      quorum: { kraftVersion: 0 },
      lastAppliedOffset: 3n,
    },
    quotas: { isSet: false },
  }
  const dispatcher = new Dispatcher(services as unknown as BrokerServices)
  const connection = { clientSoftwareName: undefined } as unknown as ConnectionInfo
  const send = (...bytes: number[]) => dispatcher.handle(Buffer.from(bytes), connection)
  return { dispatcher, connection, send, loads }
}

const header = (key: number, version: number) => [
  key >> 8,
  key & 255,
  (version >> 8) & 255,
  version & 255,
  0,
  0,
  0,
  7,
  0,
  1,
  65,
]
const hex = (buffers: Buffer[] | null) => buffers && Buffer.concat(buffers).toString('hex')

describe('Dispatcher', () => {
  test('answers with size, correlation id and body; a handler that is loaded and ready answers at once', async () => {
    const { send, loads } = setUp()
    const first = send(...header(500, 0), 0, 0, 0, 5)
    expect(first).toBeInstanceOf(Promise)
    expect(hex(await first)).toBe('000000080000000700000006')
    const second = send(...header(500, 0), 0, 0, 0, 6)
    expect(hex(second as Buffer[])).toBe('000000080000000700000007')
    expect(loads()).toBe(1)
  })

  test('flexible versions have tagged fields in both headers', async () => {
    const { send } = setUp()
    expect(hex(await send(...header(500, 1), 1, 9, 2, 0xaa, 0xbb, 0, 0, 0, 5))).toBe(
      '00000009000000070000000006',
    )
  })

  test('a handler sees the version and the client', async () => {
    let seen: RequestContext | undefined
    const { send } = setUp((request, context) => {
      seen = context
      return request
    })
    await send(...header(500, 0), 0, 0, 0, 5)
    expect(seen).toMatchObject({ apiKey: 500, apiVersion: 0, correlationId: 7, clientId: 'A' })
  })

  test('late answers and no answers', async () => {
    const { send } = setUp((request) => (request === 0 ? NO_RESPONSE : Promise.resolve(request)))
    expect(await send(...header(500, 0), 0, 0, 0, 0)).toBeNull()
    expect(send(...header(500, 0), 0, 0, 0, 0)).toBeNull()
    expect(hex(await send(...header(500, 0), 0, 0, 0, 3))).toBe('000000080000000700000003')
  })

  test.each([
    ['no bytes', []],
    ['too few for a header', [0, 18, 0, 0, 0, 0, 0]],
    ['an unknown API', header(4, 0)],
    ['a negative API', [0xff, 0xff, 0, 0, 0, 0, 0, 7, 0xff, 0xff]],
    ['a version too new', [...header(500, 2), 0, 0, 0, 5]],
    ['a negative version', [...header(500, -1), 0, 0, 0, 5]],
    ['ApiVersions too new, without the tagged fields of its header', header(18, 5)],
    ['ApiVersions of a negative version, with a client id that ends early', header(18, -1).slice(0, 10)],
  ])('%s closes the connection', (_, bytes) => {
    expect(() => setUp().send(...bytes)).toThrow(CloseConnectionError)
  })

  test.each([
    ['a header that ends early', header(500, 0).slice(0, 10)],
    ['a body that ends early', [...header(500, 0), 0, 0]],
  ])('%s closes the connection', async (_, bytes) => {
    await expect(setUp().send(...bytes)).rejects.toThrow(CloseConnectionError)
  })

  test('bytes behind a complete body are ignored', async () => {
    expect(hex(await setUp().send(...header(500, 0), 0, 0, 0, 5, 1, 2, 3))).toBe('000000080000000700000006')
  })

  test('a fault of ours is no fault of the client', async () => {
    const { send } = setUp(() => {
      throw new TypeError('boom')
    })
    await expect(send(...header(500, 0), 0, 0, 0, 5)).rejects.toThrow(TypeError)
  })
})

describe('ApiVersions', () => {
  test('lists what is served', () => {
    const { send } = setUp()
    expect(hex(send(...header(18, 0)) as Buffer[])).toBe(
      '00000016 00000007 0000 00000002 0012 0000 0004 01f4 0000 0001'.replaceAll(' ', ''),
    )
  })

  test.each([5, 9, 32767, -1])('version %i is answered in version 0 with error 35 (KIP-511)', (version) => {
    const { send } = setUp()
    expect(hex(send(...header(18, version), 0, 0xde, 0xad) as Buffer[])).toBe(
      '00000010 00000007 0023 00000001 0012 0000 0004'.replaceAll(' ', ''),
    )
  })

  test.each([
    ['good', '1.0', true],
    ['apache-kafka.java', '1.2.3-rc.4', true],
    ['', '1.0', false],
    ['-dash', '1.0', false],
    ['dash-', '1.0', false],
    ['under_score', '1.0', false],
    ['good', '1+0', false],
  ])('software %s %s', (name, version, isGood) => {
    const { send, connection } = setUp()
    const compact = (text: string) => [text.length + 1, ...Buffer.from(text)]
    const answer = Buffer.concat(
      send(...header(18, 3), 0, ...compact(name), ...compact(version), 0) as Buffer[],
    )
    expect(answer.readInt16BE(8)).toBe(isGood ? 0 : 42)
    expect(connection.clientSoftwareName).toBe(isGood ? name : undefined)
  })
})
