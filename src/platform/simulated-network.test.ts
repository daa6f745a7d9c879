import { describe, expect, test } from 'vitest'
import { ManualClock } from './manual-clock.ts'
import type { Socket } from './platform.ts'
import { type SimulatedConnection, SimulatedNetwork } from './simulated-network.ts'
import { SimulatedRandom } from './simulated-random.ts'

/** A server that notes what it gets, and a client of it. */
async function connected(seed = 1) {
  const clock = new ManualClock()
  const network = new SimulatedNetwork(clock, new SimulatedRandom(seed))
  const host = network.host()
  const sockets: Socket[] = []
  const server = { received: '', events: [] as string[] }
  const onConnection = (socket: Socket) => {
    const space = Buffer.alloc(4)
    socket.onSpace = () => space
    socket.onBytes = (count) => {
      server.received += space.toString('latin1', 0, count)
    }
    socket.onClose = (error) => server.events.push(error ? error.message : 'closed')
    socket.onDrain = () => server.events.push('drained')
    sockets.push(socket)
  }
  await network.of(host).listen({ host: undefined, port: 9092, backlog: 1 }, onConnection)
  const open = () => {
    const connection = network.connect(9092)!
    const client = { connection, received: '', isClosed: false }
    connection.onBytes = (bytes) => {
      client.received += bytes.toString('latin1')
    }
    connection.onClose = () => {
      client.isClosed = true
    }
    return client
  }
  const client = open()
  return { clock, network, host, server, sockets, open, client }
}

const send = (connection: SimulatedConnection, text: string) => connection.send(Buffer.from(text))

describe('a simulated network', () => {
  test('delivers later, in pieces and in order', async () => {
    const { clock, server, client, sockets } = await connected()
    for (const text of ['one ', 'two ', 'three']) send(client.connection, text)
    expect(server.received).toBe('')
    sockets[0]!.write([Buffer.from('an'), Buffer.from('swer')])
    clock.advance(10_000)
    expect(server.received).toBe('one two three')
    expect(client.received).toBe('answer')
  })

  test('finds out who changes memory that has yet to be sent', async () => {
    const { clock, client, sockets } = await connected()
    const bytes = Buffer.from('answer')
    let isWritten = false
    sockets[0]!.write([bytes], () => {
      isWritten = true
    })
    bytes.write('other!')
    expect(() => clock.advance(10_000)).toThrow('memory was changed that a socket had yet to send')
    expect(isWritten).toBe(false)
    expect(client.received).toBe('')
  })

  test('lets one connection overtake another', async () => {
    const orders = new Set<string>()
    for (let seed = 0; seed < 50; seed++) {
      const { clock, server, client, open } = await connected(seed)
      send(client.connection, 'a')
      send(open().connection, 'b')
      clock.advance(10_000)
      orders.add(server.received)
    }
    expect(orders).toEqual(new Set(['ab', 'ba']))
  })

  test.each([0, 1, 5, 9])('cuts a connection behind %i bytes of a request', async (count) => {
    const { clock, server, client } = await connected()
    client.connection.cutAfter('sent', count)
    send(client.connection, '0123456789')
    clock.advance(10_000)
    expect(server.received).toBe('0123456789'.slice(0, count))
    expect(server.events).toEqual(['read ECONNRESET'])
    expect(client.isClosed).toBe(true)
  })

  test('cuts a connection within an answer', async () => {
    const { clock, server, client, sockets } = await connected()
    client.connection.cutAfter('received', 3)
    sockets[0]!.write([Buffer.from('answer')])
    clock.advance(10_000)
    expect([client.received, client.isClosed]).toEqual(['ans', true])
    expect(server.events).toEqual(['read ECONNRESET'])
  })

  test('a paused reader gets what came meanwhile when it goes on', async () => {
    const { clock, server, client, sockets } = await connected()
    sockets[0]!.pause()
    send(client.connection, 'waits')
    clock.advance(10_000)
    expect(server.received).toBe('')
    sockets[0]!.resume()
    expect(server.received).toBe('waits')
  })

  test('a writer that is too fast is told to wait', async () => {
    const { clock, server, sockets } = await connected()
    expect(sockets[0]!.write([Buffer.alloc(1000)])).toBe(true)
    expect(sockets[0]!.write([Buffer.alloc(100_000)])).toBe(false)
    clock.advance(10_000)
    expect(server.events).toEqual(['drained'])
  })

  test('what a killed host had sent arrives, and nothing reaches it', async () => {
    const { clock, network, host, server, client, sockets } = await connected()
    sockets[0]!.write([Buffer.from('last words')])
    send(client.connection, 'too late')
    network.kill(host)
    clock.advance(10_000)
    expect([client.received, client.isClosed]).toEqual(['last words', true])
    expect([server.received, server.events]).toEqual(['', []])
    expect(network.connect(9092)).toBeUndefined()
  })

  test('a port is taken once', async () => {
    const { network } = await connected()
    const again = network.of(network.host()).listen({ host: undefined, port: 9092, backlog: 1 }, () => {})
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})
