import { describe, expect, test } from 'vitest'
import { WindowedRate } from './windowed-rate.ts'

const windows = { count: 11, sizeMs: 1000 }

describe('WindowedRate', () => {
  test('what Apache Kafka 4.3 answered to requests of 4112 bytes under a limit of 1000 bytes a second', () => {
    const rate = new WindowedRate(windows)
    const produce = (nowMs: number) => {
      rate.record(4112, nowMs)
      return rate.throttleTimeMs(1000, nowMs)
    }
    expect([produce(0), produce(20), produce(100), produce(382), produce(421)]).toEqual([
      0, 0, 2236, 6066, 10139,
    ])
  })

  test('windows that have not been yet count as empty', () => {
    const rate = new WindowedRate(windows)
    rate.record(500, 0)
    expect(rate.measure(0)).toBe(50)
    expect(rate.measure(250)).toBeCloseTo(500 / 10.25)
    expect(rate.throttleTimeMs(50, 0)).toBe(0)
    expect(rate.throttleTimeMs(49, 0)).toBe(204)
  })

  test('a burst counts in full until its window is forgotten, which takes longer than is told', () => {
    const rate = new WindowedRate(windows)
    rate.record(15_000, 0)
    expect(rate.throttleTimeMs(1000, 0)).toBe(5000)
    expect(rate.throttleTimeMs(1000, 5000)).toBe(5000)
    expect(rate.throttleTimeMs(1000, 10_000)).toBe(5000)
    expect(rate.throttleTimeMs(1000, 10_999)).toBe(4001)
    expect(rate.throttleTimeMs(1000, 11_000)).toBe(0)
  })

  test('a window is forgotten as a whole, when its last event is as old as all windows are long', () => {
    const rate = new WindowedRate(windows)
    rate.record(1100, 0)
    rate.record(1100, 999)
    rate.record(1100, 1000)
    expect(rate.measure(10_000)).toBe(330)
    expect(rate.measure(11_998)).toBeCloseTo(3300 / 11.998)
    // The first window goes; the second began at 1000.
    expect(rate.measure(11_999)).toBeCloseTo(1100 / 10.999)
    expect(rate.isOver(11_999)).toBe(false)
    expect(rate.isOver(12_000)).toBe(true)
    expect(rate.measure(12_000)).toBe(0)
  })

  test('a window that reaches into the time that is looked at counts, though as many began after it', () => {
    const rate = new WindowedRate(windows)
    rate.record(1100, 0)
    rate.record(1100, 999)
    for (let window = 1; window <= 11; window++) rate.record(0, window * 1000)
    expect(rate.measure(11_000)).toBe(200)
  })

  test('a steady rate is told as it is, however long it goes on', () => {
    const rate = new WindowedRate(windows)
    for (let nowMs = 0; nowMs < 60_000; nowMs += 100) rate.record(100, nowMs)
    expect(rate.measure(60_000)).toBeCloseTo(1000, -1)
  })

  test('what is recorded as negative takes back what was recorded', () => {
    const rate = new WindowedRate(windows)
    rate.record(5000, 0)
    rate.record(-5000, 0)
    expect(rate.measure(0)).toBe(0)
  })
})
