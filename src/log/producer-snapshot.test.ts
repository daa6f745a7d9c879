import { expect, test } from 'vitest'
import { decodeProducerSnapshot, encodeProducerSnapshot } from './producer-snapshot.ts'

const file = Buffer.from(
  '0001c93ed12500000001000000000000f5c3000a00000200000000000000bfc8000000240000018bcff2c13d00000000000000000000bfc8',
  'hex',
)
const entry = {
  producerId: 62915n,
  producerEpoch: 10,
  lastSequence: 512,
  lastOffset: 49096n,
  offsetDelta: 36,
  timestamp: 1700000874813n,
  coordinatorEpoch: 0,
  currentTxnFirstOffset: 49096n,
}

test('a file that Kafka wrote', () => {
  expect(decodeProducerSnapshot(file)).toEqual([entry])
  expect(encodeProducerSnapshot([entry])).toEqual(file)
})

test('many producers, and none', () => {
  const many = Array.from({ length: 3000 }, (_, index) => ({ ...entry, producerId: BigInt(index) }))
  expect(decodeProducerSnapshot(encodeProducerSnapshot(many))).toEqual(many)
  expect(decodeProducerSnapshot(encodeProducerSnapshot([]))).toEqual([])
})

test('damage is noticed at every byte', () => {
  for (let at = 0; at < file.length; at++) {
    const damaged = Buffer.from(file)
    damaged[at]! ^= 0x40
    expect(() => decodeProducerSnapshot(damaged)).toThrow()
    expect(() => decodeProducerSnapshot(file.subarray(0, at))).toThrow()
  }
})
