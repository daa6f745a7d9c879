import { describe, expect, test } from 'vitest'
import { encodeTraceEvent, type TraceEvent } from '../../trace/trace-event.ts'
import type { TraceItem } from './exchanges.ts'
import { followTrace, type TraceSource } from './follow-trace.ts'

class MemorySource implements TraceSource {
  isPaused = false
  isDestroyed = false
  bytes: (bytes: Buffer) => void = () => {}
  close: () => void = () => {}

  onBytes(listener: (bytes: Buffer) => void): void {
    this.bytes = listener
  }

  onClose(listener: () => void): void {
    this.close = listener
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  destroy(): void {
    this.isDestroyed = true
  }

  send(...events: TraceEvent[]): void {
    this.bytes(Buffer.concat(events.map(encodeTraceEvent)))
  }
}

const never = new Promise<void>(() => {})
const dropped = (count: number): TraceEvent => ({ kind: 'dropped', count })

describe('followTrace', () => {
  test('tells all that had arrived when the source ends', async () => {
    const source = new MemorySource()
    const told: TraceItem[] = []
    const followed = followTrace(source, never, async (item) => void told.push(item))
    source.send({ kind: 'hello', hello: { format: 1, addresses: [] } }, dropped(1), dropped(2))
    source.close()
    await followed
    expect(told).toEqual([dropped(1), dropped(2)])
    expect(source.isDestroyed).toBe(true)
  })

  test('holds the source while it is behind', async () => {
    const source = new MemorySource()
    let stop = () => {}
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const until = new Promise<void>((resolve) => {
      stop = resolve
    })
    let told = 0
    const followed = followTrace(source, until, async () => {
      told++
      if (told === 1) await held
      if (told === 2000) stop()
    })
    source.send(...Array.from({ length: 2000 }, (_, index) => dropped(index)))
    expect(source.isPaused).toBe(true)
    release()
    await followed
    expect([told, source.isPaused]).toEqual([2000, false])
  })

  test('a broker of another release, and what is no broker, are told apart from the end', async () => {
    const other = new MemorySource()
    const refused = followTrace(other, never, async () => {})
    other.send({ kind: 'hello', hello: { format: 2, addresses: [] } })
    await expect(refused).rejects.toThrow('another release of Odradek')
    const stranger = new MemorySource()
    const failed = followTrace(stranger, never, async () => {})
    stranger.bytes(Buffer.from('HTTP/1.1 400 Bad Request'))
    await expect(failed).rejects.toThrow('does not speak the language of this trace')
    expect([other.isDestroyed, stranger.isDestroyed]).toEqual([true, true])
  })
})
