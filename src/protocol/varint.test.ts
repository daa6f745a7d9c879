import { describe, expect, test } from 'vitest'
import {
  InvalidRecordError,
  sizeOfVarint,
  sizeOfVarlong,
  VarintReader,
  writeUnsignedVarlong,
  writeVarint,
  writeVarlong,
} from './varint.ts'

const edges = Array.from({ length: 64 }, (_, bit) => 2n ** BigInt(bit)).flatMap((power) => [
  power - 1n,
  power,
  -power,
  -power - 1n,
])

describe('numbers come back, and are as long as was said', () => {
  const within = (bits: bigint) => (value: bigint) => value >= -(2n ** bits) && value < 2n ** bits

  test('varint', () => {
    for (const value of edges.filter(within(31n)).map(Number)) {
      const bytes = Buffer.alloc(5)
      const end = writeVarint(bytes, 0, value)
      expect([new VarintReader(bytes).varint(), sizeOfVarint(value)]).toEqual([value, end])
    }
  })

  test('varlong', () => {
    for (const value of edges.filter(within(63n))) {
      const bytes = Buffer.alloc(10)
      const end = writeVarlong(bytes, 0, value)
      expect([new VarintReader(bytes).varlong(), sizeOfVarlong(value)]).toEqual([value, end])
    }
  })

  test('unsigned varlong', () => {
    for (const value of edges.filter((each) => each >= 0n)) {
      const bytes = Buffer.alloc(10)
      writeUnsignedVarlong(bytes, 0, value)
      expect(new VarintReader(bytes).unsignedVarlong()).toBe(value)
    }
  })
})

test('what is cut off or does not end is refused', () => {
  const cut = () => new VarintReader(Buffer.from('8080', 'hex'))
  const endless = () => new VarintReader(Buffer.alloc(20, 0x80))
  for (const reader of [cut, endless]) {
    expect(() => reader().varint()).toThrow(InvalidRecordError)
    expect(() => reader().varlong()).toThrow(InvalidRecordError)
  }
  expect(() => cut().skip(3)).toThrow(InvalidRecordError)
})
