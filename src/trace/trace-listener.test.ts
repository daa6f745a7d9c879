import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FrameTap } from '../network/tap.ts'
import { silentLogger } from '../platform/logger.ts'
import { nodeClock } from '../platform/node-clock.ts'
import { nodeLocalSockets } from '../platform/node-local-sockets.ts'
import { TRACE_REQUEST } from './trace-event.ts'
import { TraceListener } from './trace-listener.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trace-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A broker that tells when it is tapped, and when no more. */
class FakeBroker {
  readonly listeners = [{ host: '127.0.0.1', port: 9092 }]
  /** How often it was tapped. */
  taps = 0
  #tap: FrameTap | undefined
  #waiting: (() => void)[] = []

  get tap(): FrameTap | undefined {
    return this.#tap
  }

  set tap(tap: FrameTap | undefined) {
    this.#tap = tap
    if (tap) this.taps++
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async until(isTapped: boolean): Promise<void> {
    while ((this.#tap !== undefined) !== isTapped)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

const client = {
  id: 1,
  listenerName: 'PLAINTEXT',
  clientAddress: '127.0.0.1',
  clientPort: 5000,
  localAddress: '127.0.0.1',
  localPort: 9092,
  clientSoftwareName: undefined,
  clientSoftwareVersion: undefined,
}

async function setUp() {
  const sockets = nodeLocalSockets(folder)
  const broker = new FakeBroker()
  const listener = await TraceListener.open({ broker, clock: nodeClock(), logger: silentLogger, sockets })
  return { sockets, broker, listener }
}

describe('TraceListener', () => {
  test('a reader that vanishes leaves the broker untapped', async () => {
    const { sockets, broker, listener } = await setUp()
    const reader = await sockets.connect('9092')
    reader.write(TRACE_REQUEST)
    await broker.until(true)
    reader.destroy()
    await broker.until(false)
    await listener.close()
  })

  test('who only looks whether there is a broker does not tap it', async () => {
    const { sockets, broker, listener } = await setUp()
    expect(await sockets.names()).toEqual(['9092'])
    const reader = await sockets.connect('9092')
    reader.write(TRACE_REQUEST)
    // The first that the broker ever sees of a tap is the one of this reader, who came later.
    await broker.until(true)
    expect(broker.taps).toBe(1)
    reader.destroy()
    await broker.until(false)
    await listener.close()
  })

  test('a reader that reads nothing: memory is bounded, and the broker is told nothing of it', async () => {
    const { sockets, broker, listener } = await setUp()
    const reader = await sockets.connect('9092')
    reader.write(TRACE_REQUEST)
    await broker.until(true)
    const frame = Buffer.alloc(1024 * 1024, 1)
    const before = process.memoryUsage().arrayBuffers
    // 200 MB, where a queue and the kernel's buffers hold less than 20.
    for (let i = 0; i < 200; i++) broker.tap!.request(client, frame)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * 1024 * 1024)
    reader.destroy()
    await broker.until(false)
    await listener.close()
  })

  test('when the broker ends, readers get the rest and then the end', async () => {
    const { sockets, broker, listener } = await setUp()
    const reader = await sockets.connect('9092')
    reader.write(TRACE_REQUEST)
    let bytes = 0
    reader.onBytes((chunk) => {
      bytes += chunk.length
    })
    const ended = new Promise<void>((resolve) => reader.onClose(resolve))
    await broker.until(true)
    broker.tap!.request(client, Buffer.alloc(100_000, 1))
    await listener.close()
    await ended
    expect(bytes).toBeGreaterThan(100_000)
    expect(await sockets.names()).toEqual([])
  })

  test('where it cannot listen, that is said in the log and is no failure', async () => {
    const { sockets, broker, listener } = await setUp()
    const told: string[] = []
    const logger = { ...silentLogger, debug: (_facts: object, message: string) => told.push(message) }
    const second = await TraceListener.open({ broker, clock: nodeClock(), logger, sockets })
    expect(told).toEqual(['odradek trace cannot attach'])
    await second.close()
    await listener.close()
  })
})
