import { describe, expect, test } from 'vitest'
import { CloseConnectionError } from '../handlers/handler.ts'
import { silentLogger } from '../platform/logger.ts'
import { ManualClock } from '../platform/manual-clock.ts'
import { Connection, type Recycler, type RequestHandler } from './connection.ts'
import { MemorySocket } from './memory-socket.ts'
import type { FrameTap } from './tap.ts'

/** A connection whose requests are answered by `handle`, which sees the text of each frame. */
function connect(
  handle: (text: string) => Buffer[] | null | Promise<Buffer[] | null>,
  recycler?: Recycler,
  tap?: FrameTap,
) {
  const socket = new MemorySocket()
  const seen: string[] = []
  const errors: object[] = []
  const closed: Connection[] = []
  const requests: RequestHandler = {
    handle: (frame) => {
      seen.push(frame.toString())
      return handle(frame.toString())
    },
  }
  const clock = new ManualClock()
  const connection = new Connection(1, 'PLAINTEXT', socket, {
    requests,
    clock,
    logger: { ...silentLogger, error: (facts) => errors.push(facts) },
    scratch: Buffer.alloc(65536),
    maxRequestBytes: 1 << 20,
    recycler,
    tap,
    closed: (gone) => closed.push(gone),
  })
  return { socket, connection, seen, errors, closed, clock }
}

function frames(...texts: string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const size = Buffer.alloc(4)
      size.writeInt32BE(Buffer.byteLength(text))
      return [size, Buffer.from(text)]
    }),
  )
}

function deferred() {
  let resolve!: (answer: Buffer[] | null) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<Buffer[] | null>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

const settle = () => new Promise((resolve) => queueMicrotask(() => queueMicrotask(() => resolve(undefined))))
const echo = (text: string) => [Buffer.from(`<${text}>`)]

describe('Connection', () => {
  test('answers that are ready at once leave in one write, in order', () => {
    const { socket } = connect(echo)
    socket.send(frames('a', 'b', 'c'))
    expect(socket.writes).toHaveLength(1)
    expect(socket.written().toString()).toBe('<a><b><c>')
  })

  test('one request in flight: the next is not begun before the answer', async () => {
    const first = deferred()
    const { socket, seen } = connect((text) => (text === 'slow' ? first.promise : echo(text)))
    socket.send(frames('a', 'slow', 'b'))
    socket.send(frames('c'))
    expect(seen).toEqual(['a', 'slow'])
    expect(socket.written().toString()).toBe('<a>')
    first.resolve([Buffer.from('<slow>')])
    await settle()
    expect(seen).toEqual(['a', 'slow', 'b', 'c'])
    expect(socket.written().toString()).toBe('<a><slow><b><c>')
  })

  test('a request without an answer lets the next one pass', () => {
    const { socket } = connect((text) => (text === 'quiet' ? null : echo(text)))
    socket.send(frames('quiet', 'b'))
    expect(socket.written().toString()).toBe('<b>')
  })

  test('while a request is in flight only so much is read', async () => {
    const first = deferred()
    const { socket, seen } = connect((text) => (text === 'slow' ? first.promise : null))
    socket.send(frames('slow'))
    for (let i = 0; i < 500; i++) socket.send(frames(`${i}`))
    expect(socket.isPaused).toBe(true)
    first.resolve(null)
    await settle()
    expect(socket.isPaused).toBe(false)
    expect(seen).toHaveLength(501)
  })

  test('a client that does not take its answers is not served further', () => {
    const { socket, seen } = connect(() => [Buffer.alloc(300_000)])
    socket.isFull = true
    socket.send(frames('a', 'b'))
    expect(seen).toEqual(['a'])
    socket.drain()
    expect(seen).toEqual(['a', 'b'])
  })

  test('a refused request closes after the answers before it are sent', () => {
    const { socket, closed, errors } = connect((text) => {
      if (text === 'bad') throw new CloseConnectionError('unknown API')
      return echo(text)
    })
    socket.send(frames('a', 'bad', 'c'))
    expect(socket.written().toString()).toBe('<a>')
    expect(socket.isClosed).toBe(true)
    expect(closed).toHaveLength(1)
    expect(errors).toEqual([])
  })

  test('an unexpected failure closes this connection and is logged', async () => {
    const first = deferred()
    const { socket, errors } = connect(() => first.promise)
    socket.send(frames('a'))
    first.reject(new TypeError('boom'))
    await settle()
    expect(socket.isClosed).toBe(true)
    expect(errors).toHaveLength(1)
  })

  test('an invalid size closes once what came before it is answered', async () => {
    const first = deferred()
    const { socket } = connect(() => first.promise)
    socket.send(Buffer.concat([frames('a'), Buffer.from([0x7f, 0, 0, 0, 1, 2, 3])]))
    expect(socket.isClosed).toBe(false)
    first.resolve([Buffer.from('<a>')])
    await settle()
    expect(socket.written().toString()).toBe('<a>')
    expect(socket.isClosed).toBe(true)
  })

  test('a client that leaves takes its parked request back', async () => {
    const first = deferred()
    const { socket, connection, closed } = connect(() => first.promise)
    socket.send(frames('a'))
    let cancelled = 0
    connection.onDisconnect = () => cancelled++
    socket.disconnect()
    expect(cancelled).toBe(1)
    expect(closed).toEqual([connection])
    first.resolve([Buffer.from('late')])
    await settle()
    expect(socket.writes).toEqual([])
  })

  test('stop answers what is in flight and begins nothing new', async () => {
    const first = deferred()
    const { socket, connection, seen } = connect(() => first.promise)
    socket.send(frames('a', 'b'))
    connection.stop()
    expect(socket.isClosed).toBe(false)
    first.resolve([Buffer.from('<a>')])
    await settle()
    expect(socket.written().toString()).toBe('<a>')
    expect(seen).toEqual(['a'])
    expect(socket.isClosed).toBe(true)
  })

  test('quiet resolves when nothing waits any more', async () => {
    const first = deferred()
    const { socket, connection } = connect(() => first.promise)
    socket.send(frames('a'))
    let isQuiet = false
    void connection.quiet().then(() => {
      isQuiet = true
    })
    await settle()
    expect(isQuiet).toBe(false)
    first.resolve(null)
    await settle()
    await settle()
    expect(isQuiet).toBe(true)
  })
})

/** A pool of one kind of memory: what begins with `L` is lent. */
function lender() {
  const back: string[] = []
  return {
    back,
    owns: (bytes: Buffer) => bytes[0] === 0x4c,
    giveBack: (bytes: Buffer) => void back.push(bytes.toString()),
  }
}

describe('memory that is lent for an answer', () => {
  const answer = (text: string) => [Buffer.from(`<${text}`), Buffer.from(`L${text}`), Buffer.from('>')]

  test('goes back once the client has taken the answer, and not before', () => {
    const recycler = lender()
    const { socket } = connect(answer, recycler)
    socket.send(frames('a'))
    expect(socket.written().toString()).toBe('<aLa>')
    expect(recycler.back).toEqual([])
    socket.take()
    expect(recycler.back).toEqual(['La'])
    socket.take()
    expect(recycler.back).toEqual(['La'])
  })

  test('goes back for all answers of a gathered write, each once', () => {
    const recycler = lender()
    const { socket } = connect(answer, recycler)
    socket.send(frames('a', 'b', 'c'))
    expect(socket.writes).toHaveLength(1)
    socket.take()
    expect(recycler.back).toEqual(['La', 'Lb', 'Lc'])
  })

  test('waits for its own write: a slow client with several answers under way', async () => {
    const recycler = lender()
    const second = deferred()
    const { socket } = connect((text) => (text === 'b' ? second.promise : answer(text)), recycler)
    socket.send(frames('a', 'b'))
    second.resolve(answer('b'))
    await settle()
    expect(socket.writes).toHaveLength(2)
    socket.take(1)
    expect(recycler.back).toEqual(['La'])
    socket.take(1)
    expect(recycler.back).toEqual(['La', 'Lb'])
  })

  test.each(['disconnect', 'destroy', 'end'] as const)(
    'never goes back when the connection ends before that (%s)',
    (how) => {
      const recycler = lender()
      const { socket } = connect(answer, recycler)
      socket.send(frames('a'))
      if (how === 'disconnect') socket.disconnect(new Error('ECONNRESET'))
      else socket[how]()
      socket.take()
      expect(recycler.back).toEqual([])
    },
  )

  test('never goes back for an answer that comes after the client has left', async () => {
    const recycler = lender()
    const late = deferred()
    const { socket } = connect(() => late.promise, recycler)
    socket.send(frames('a'))
    socket.disconnect()
    late.resolve(answer('a'))
    await settle()
    socket.take()
    expect(recycler.back).toEqual([])
  })

  test('a full socket keeps it, and the next request waits', () => {
    const recycler = lender()
    const { socket, seen } = connect((text) => [Buffer.from(`L${text}${'.'.repeat(300_000)}`)], recycler)
    socket.isFull = true
    socket.send(frames('a', 'b'))
    expect(seen).toEqual(['a'])
    expect(recycler.back).toEqual([])
    socket.drain()
    expect(seen).toEqual(['a', 'b'])
    socket.take(1)
    expect(recycler.back).toHaveLength(1)
  })

  test('a client that is held back: its answer goes out, then nothing is read or served until its time is up', () => {
    const muted = connect((text) => {
      if (text === 'much') muted.connection.mute(1000)
      return echo(text)
    })
    const { socket, connection, seen, clock } = muted
    socket.send(frames('a', 'much', 'b'))
    expect(socket.written().toString()).toBe('<a><much>')
    expect(socket.isPaused).toBe(true)
    socket.send(frames('c'))
    clock.advance(999)
    expect(seen).toEqual(['a', 'much'])
    expect(connection.describe()).toMatchObject({ waitingRequests: 1, mutedForMs: 1 })
    clock.advance(1)
    expect(socket.written().toString()).toBe('<a><much><b><c>')
    expect(socket.isPaused).toBe(false)
  })

  test('a client that is held back gets nothing more when the broker stops, and leaves no timer when it goes', () => {
    for (const end of ['stop', 'disconnect'] as const) {
      const muted = connect((text) => {
        muted.connection.mute(1000)
        return echo(text)
      })
      muted.socket.send(frames('a', 'b'))
      if (end === 'stop') muted.connection.stop()
      else muted.socket.disconnect()
      expect(muted.closed).toHaveLength(1)
      expect(muted.clock.pending()).toEqual([])
      expect(muted.seen).toEqual(['a'])
    }
  })

  test('a tap sees requests, answers and the end, in order', async () => {
    const seen: string[] = []
    const tap: FrameTap = {
      request: (connection, frame) => seen.push(`${connection.id}> ${frame}`),
      response: (connection, buffers) => seen.push(`${connection.id}< ${buffers && Buffer.concat(buffers)}`),
      closing: (_connection, reason) => seen.push(`closing: ${reason}`),
      closed: () => seen.push('closed'),
    }
    const { socket } = connect(
      (text) => {
        if (text === 'bad') throw new CloseConnectionError('it is bad')
        return text === 'silent' ? null : text === 'late' ? Promise.resolve(echo(text)!) : echo(text)
      },
      undefined,
      tap,
    )
    socket.send(frames('a', 'silent', 'late'))
    await settle()
    socket.send(frames('bad'))
    expect(seen).toEqual([
      '1> a',
      '1< <a>',
      '1> silent',
      '1< null',
      '1> late',
      '1< <late>',
      '1> bad',
      'closing: it is bad',
      'closed',
    ])
  })
})
