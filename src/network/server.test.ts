import net from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { silentLogger } from '../platform/logger.ts'
import { ManualClock } from '../platform/manual-clock.ts'
import { nodeClock } from '../platform/node-clock.ts'
import { nodeNetwork } from '../platform/node-network.ts'
import type { Clock } from '../platform/platform.ts'
import type { RequestHandler } from './connection.ts'
import { NetworkServer, type ServerLimits, type ServerListener } from './server.ts'

const limits: ServerLimits = {
  maxRequestBytes: 10 << 20,
  maxIdleMs: 600_000,
  maxConnections: 1000,
  maxConnectionsPerIp: 1000,
  maxConnectionsPerIpOverrides: new Map(),
  backlog: 50,
}
const loopback: ServerListener = { name: 'PLAINTEXT', host: '127.0.0.1', port: 0, advertised: undefined }
const echo: RequestHandler = { handle: (frame) => [frame] }

const servers: NetworkServer[] = []
const clients: net.Socket[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  for (const server of servers.splice(0)) await server.stop(0)
})

async function serve(
  options: {
    requests?: RequestHandler
    limits?: Partial<ServerLimits>
    clock?: Clock
    listeners?: ServerListener[]
    throttleConnection?: (address: string) => number
  } = {},
) {
  const server = new NetworkServer({
    network: nodeNetwork(),
    clock: options.clock ?? nodeClock(),
    logger: silentLogger,
    requests: options.requests ?? echo,
    limits: { ...limits, ...options.limits },
    throttleConnection: options.throttleConnection,
  })
  servers.push(server)
  await server.start(options.listeners ?? [loopback])
  return server
}

async function dial(port: number, host = '127.0.0.1') {
  const socket = net.connect(port, host)
  clients.push(socket)
  const chunks: Buffer[] = []
  let received = 0
  let wake = () => {}
  let isClosed = false
  socket.on('data', (chunk) => {
    chunks.push(chunk)
    received += chunk.length
    wake()
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
    wake()
  })
  const until = async (done: () => boolean) => {
    while (!done()) await new Promise<void>((resolve) => (wake = resolve))
  }
  await new Promise((resolve) => socket.once('connect', resolve))
  return {
    socket,
    send: (body: Buffer) => {
      const size = Buffer.alloc(4)
      size.writeInt32BE(body.length)
      socket.write(Buffer.concat([size, body]))
    },
    receive: async (count: number) => {
      await until(() => received >= count)
      return Buffer.concat(chunks)
    },
    closed: () => until(() => isClosed),
  }
}

describe('NetworkServer', () => {
  test('answers over TCP, large frames too', async () => {
    const server = await serve()
    const client = await dial(server.listeners[0]!.port)
    const large = Buffer.alloc(9 << 20, 'x')
    client.send(Buffer.from('small'))
    client.send(large)
    client.send(Buffer.from('last'))
    const answer = await client.receive(5 + large.length + 4)
    expect(answer.equals(Buffer.concat([Buffer.from('small'), large, Buffer.from('last')]))).toBe(true)
  })

  test('each listener tells its own address, or the one that was dialled', async () => {
    const seen: unknown[] = []
    const server: NetworkServer = await serve({
      requests: {
        handle: (frame, connection) => {
          seen.push([connection.listenerName, server.advertisedEndpoint(connection)])
          return [frame]
        },
      },
      listeners: [
        loopback,
        { name: 'OUTSIDE', host: '127.0.0.1', port: 0, advertised: { host: 'kafka.example', port: 29092 } },
        { name: 'ALL', host: undefined, port: 0, advertised: undefined },
      ],
    })
    const ports = server.listeners.map(({ port }) => port)
    for (const port of ports) {
      const client = await dial(port)
      client.send(Buffer.from('hello'))
      await client.receive(5)
    }
    expect(seen).toEqual([
      ['PLAINTEXT', { host: '127.0.0.1', port: ports[0] }],
      ['OUTSIDE', { host: 'kafka.example', port: 29092 }],
      ['ALL', { host: '127.0.0.1', port: ports[2] }],
    ])
  })

  test('a taken port is an error, and the other listeners are given back', async () => {
    const first = await serve()
    const taken = first.listeners[0]!.port
    const failing = serve({ listeners: [loopback, { ...loopback, name: 'SECOND', port: taken }] })
    await expect(failing).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(servers.at(-1)!.listeners).toEqual([])
  })

  test('connections above the limits are closed at once; a place that is free again can be taken', async () => {
    const server = await serve({ limits: { maxConnectionsPerIp: 1 } })
    const { port } = server.listeners[0]!
    const first = await dial(port)
    first.send(Buffer.from('a'))
    await first.receive(1)
    const second = await dial(port)
    await second.closed()
    first.socket.destroy()
    await expect.poll(() => server.connectionCount).toBe(0)
    const third = await dial(port)
    third.send(Buffer.from('c'))
    await third.receive(1)
  })

  test('an override for an address wins over the common limit', async () => {
    const server = await serve({
      limits: { maxConnectionsPerIp: 100, maxConnectionsPerIpOverrides: new Map([['127.0.0.1', 0]]) },
    })
    const client = await dial(server.listeners[0]!.port)
    await client.closed()
  })

  test('an idle connection is closed, an active one and one that waits for its answer are not', async () => {
    const clock = new ManualClock()
    const parked: ((answer: Buffer[]) => void)[] = []
    const server = await serve({
      clock,
      limits: { maxIdleMs: 10_000 },
      requests: {
        handle: (frame) => (`${frame}` === 'wait' ? new Promise((resolve) => parked.push(resolve)) : [frame]),
      },
    })
    const { port } = server.listeners[0]!
    const [idle, active, waiting] = [await dial(port), await dial(port), await dial(port)]
    idle.send(Buffer.from('a'))
    await idle.receive(1)
    waiting.send(Buffer.from('wait'))
    await expect.poll(() => parked.length).toBe(1)
    clock.advance(6000)
    active.send(Buffer.from('a'))
    await active.receive(1)
    clock.advance(4500)
    await idle.closed()
    expect(server.connectionCount).toBe(2)
    parked[0]!([Buffer.from('done')])
    await waiting.receive(4)
    clock.advance(20_000)
    await active.closed()
    await waiting.closed()
    expect(clock.pending()).toEqual([])
  })

  test('a connection that comes too soon is not served, and closed when its time is up', async () => {
    const clock = new ManualClock()
    const throttled: string[] = []
    let throttleTimeMs = 500
    const server = await serve({
      clock,
      throttleConnection: (address) => {
        throttled.push(address)
        return throttleTimeMs
      },
    })
    const { port } = server.listeners[0]!
    const early = await dial(port)
    early.send(Buffer.from('hello'))
    await expect.poll(() => throttled).toEqual(['127.0.0.1'])
    expect(server.connectionCount).toBe(0)
    throttleTimeMs = 0
    const later = await dial(port)
    later.send(Buffer.from('hello'))
    expect(`${await later.receive(5)}`).toBe('hello')
    clock.advance(499)
    expect(early.socket.destroyed).toBe(false)
    clock.advance(1)
    await early.closed()
    expect(early.socket.bytesRead).toBe(0)
  })

  test('stop answers what is in flight, then closes', async () => {
    const parked: ((answer: Buffer[]) => void)[] = []
    const server = await serve({ requests: { handle: () => new Promise((resolve) => parked.push(resolve)) } })
    const { port } = server.listeners[0]!
    const client = await dial(port)
    client.send(Buffer.from('wait'))
    await expect.poll(() => parked.length).toBe(1)
    const stopped = server.stop(10_000)
    parked[0]!([Buffer.from('answer')])
    expect(`${await client.receive(6)}`).toBe('answer')
    await stopped
    await client.closed()
  })

  test('stop does not wait for ever', async () => {
    const clock = new ManualClock()
    let isParked = false
    const server = await serve({
      clock,
      requests: {
        handle: () => {
          isParked = true
          return new Promise(() => {})
        },
      },
    })
    const client = await dial(server.listeners[0]!.port)
    client.send(Buffer.from('wait'))
    await expect.poll(() => isParked).toBe(true)
    const stopped = server.stop(100)
    await expect.poll(() => clock.pending().includes(100)).toBe(true)
    clock.advance(100)
    await stopped
    await client.closed()
  })

  test('inject serves bytes without a socket', async () => {
    const server = await serve()
    const answer = await server.inject(Buffer.from([0, 0, 0, 1, 65, 0, 0, 0, 1, 66, 0, 0]))
    expect(answer).toEqual({ bytes: Buffer.from('AB'), wasClosed: false })
    const refused = await server.inject(Buffer.from([0xff, 0, 0, 1]))
    expect(refused.wasClosed).toBe(true)
    expect(server.connectionCount).toBe(0)
  })
})
