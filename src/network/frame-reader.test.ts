import { describe, expect, test } from 'vitest'
import { FrameReader } from './frame-reader.ts'

const SCRATCH_BYTES = 256

/** Feeds a stream in chunks of the given sizes (repeated), as a socket would: at most what `space()` holds. */
function read(stream: Buffer, chunkSizes: Iterable<number>, maxFrameBytes = 1 << 20) {
  const frames: Buffer[] = []
  const reader = new FrameReader(Buffer.alloc(SCRATCH_BYTES), maxFrameBytes, (frame) => frames.push(frame))
  let at = 0
  for (const size of chunkSizes) {
    if (at >= stream.length) break
    const space = reader.space()
    if (space.length === 0) throw new Error('no space')
    const count = stream.copy(space, 0, at, Math.min(at + size, at + space.length, stream.length))
    reader.received(count)
    at += count
  }
  return { frames, reader, at }
}

function* forever(next: () => number) {
  for (;;) yield next()
}

function seeded(seed: number) {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
}

const frameOf = (body: Buffer) => Buffer.concat([sizeOf(body.length), body])
const sizeOf = (size: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(size)
  return bytes
}

describe('FrameReader', () => {
  test('the frames are the same however the stream is cut', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = seeded(seed)
      const bodies = Array.from({ length: 20 }, () =>
        Buffer.from(Array.from({ length: random(4) === 0 ? random(2000) : random(40) }, () => random(256))),
      )
      const stream = Buffer.concat(bodies.map(frameOf))
      for (const chunk of [() => 1, () => 3, () => 1 + random(9), () => 1 + random(600), () => 100_000]) {
        const { frames } = read(stream, forever(chunk))
        expect(frames.length === bodies.length && frames.every((frame, i) => frame.equals(bodies[i]!))).toBe(
          true,
        )
      }
    }
  })

  test('a frame does not change when the scratch memory is used again', () => {
    const { frames } = read(
      Buffer.concat([frameOf(Buffer.from('first')), frameOf(Buffer.from('again'))]),
      forever(() => 9),
    )
    expect(frames.map(String)).toEqual(['first', 'again'])
  })

  test('the bytes of a large frame go straight to their place', () => {
    const frames: Buffer[] = []
    const scratch = Buffer.alloc(SCRATCH_BYTES)
    const reader = new FrameReader(scratch, 1 << 20, (frame) => frames.push(frame))
    sizeOf(100_000).copy(reader.space())
    reader.received(4)
    const space = reader.space()
    expect(space.length).toBe(100_000)
    space.fill(7)
    reader.received(100_000)
    expect(frames[0]!.buffer).toBe(space.buffer)
    expect(reader.space()).toBe(scratch)
    expect(reader.heldBytes).toBe(0)
  })

  test('a claimed size takes no memory before its bytes arrive', () => {
    const body = Buffer.alloc(40 << 20, 5)
    const frames: Buffer[] = []
    const reader = new FrameReader(Buffer.alloc(SCRATCH_BYTES), 100 << 20, (frame) => frames.push(frame))
    sizeOf(body.length).copy(reader.space())
    reader.received(4)
    expect(reader.heldBytes).toBeLessThanOrEqual(2 << 20)
    for (let at = 0; at < body.length; ) {
      const count = body.copy(reader.space(), 0, at)
      reader.received(count)
      at += count
      if (reader.heldBytes > Math.max(2 << 20, at * 4)) expect.unreachable()
    }
    expect(frames).toHaveLength(1)
    expect(frames[0]!.equals(body)).toBe(true)
  })

  test.each([-1, -(2 ** 31), 1001, 0x7fffffff])(
    'a size of %i ends the stream; the frames before it count',
    (size) => {
      for (const chunk of [1, 1000]) {
        const stream = Buffer.concat([frameOf(Buffer.from('ok')), sizeOf(size), Buffer.alloc(50)])
        const { frames, reader } = read(
          stream,
          forever(() => chunk),
          1000,
        )
        expect(frames.map(String)).toEqual(['ok'])
        expect(reader.invalidSize).toBe(size)
        expect(reader.heldBytes).toBe(0)
      }
    },
  )

  test('an empty frame is a frame', () => {
    expect(
      read(
        Buffer.concat([sizeOf(0), sizeOf(0)]),
        forever(() => 1),
      ).frames,
    ).toEqual([Buffer.alloc(0), Buffer.alloc(0)])
  })
})
