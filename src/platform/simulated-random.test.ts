import { expect, test } from 'vitest'
import { SimulatedRandom } from './simulated-random.ts'

const draw = (random: SimulatedRandom) => [
  random.integer(1000),
  random.bytes(5).toString('hex'),
  random.uuid(),
  random.dashedUuid(),
]

test('a seed gives the same for ever, and another something else', () => {
  expect(draw(new SimulatedRandom(7))).toEqual(draw(new SimulatedRandom(7)))
  expect(draw(new SimulatedRandom(7))).not.toEqual(draw(new SimulatedRandom(8)))
})

test('what is drawn for one purpose changes nothing for another', () => {
  const random = new SimulatedRandom(7)
  const before = draw(random.fork('a'))
  draw(random)
  draw(random.fork('b'))
  expect(draw(random.fork('a'))).toEqual(before)
})

test('numbers are spread evenly, also large ones', () => {
  const random = new SimulatedRandom(3)
  const counts = Array.from({ length: 10 }, () => 0)
  for (let at = 0; at < 10_000; at++) counts[random.integer(10)]!++
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150)
  const large = Array.from({ length: 1000 }, () => random.integer(2 ** 48))
  expect(Math.max(...large)).toBeGreaterThan(2 ** 47)
  expect(Math.min(...large)).toBeLessThan(2 ** 42)
  expect(new Set(large).size).toBe(1000)
})

test('ids have the form that Kafka gives them', () => {
  const random = new SimulatedRandom(1)
  for (let at = 0; at < 200; at++) {
    expect(random.uuid()).toMatch(/^[\w][\w-]{21}$/)
    expect(random.dashedUuid()).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    )
  }
})
