import { describe, expect, test } from 'vitest'
import { ManualClock } from './manual-clock.ts'

describe('ManualClock', () => {
  test('runs due timers in order, each at its own time', () => {
    const clock = new ManualClock(1000)
    const ran: [string, number, number][] = []
    const note = (name: string) => () => ran.push([name, clock.now(), clock.elapsedMs()])
    clock.schedule(30, note('c'))
    clock.schedule(10, note('a'))
    clock.schedule(10, note('b'))
    clock.schedule(31, note('later'))
    clock.advance(30)
    expect(ran).toEqual([
      ['a', 1010, 10],
      ['b', 1010, 10],
      ['c', 1030, 30],
    ])
    expect(clock.pending()).toEqual([1])
  })

  test('a timer set by a timer runs in the same move when it is due', () => {
    const clock = new ManualClock(0)
    const ran: number[] = []
    const again = () => {
      ran.push(clock.now())
      clock.schedule(10, again)
    }
    clock.schedule(10, again)
    clock.advance(35)
    expect(ran).toEqual([10, 20, 30])
  })

  test('a cancelled timer does not run, and cancelling twice is harmless', () => {
    const clock = new ManualClock()
    const timer = clock.schedule(5, () => expect.unreachable())
    timer.cancel()
    timer.cancel()
    clock.advance(10)
    expect(clock.pending()).toEqual([])
  })

  test('soon runs without a move of the clock, and before timers', async () => {
    const clock = new ManualClock()
    const ran: string[] = []
    clock.soon(() => ran.push('soon'))
    await Promise.resolve()
    expect(ran).toEqual(['soon'])
    clock.schedule(0, () => ran.push('timer'))
    clock.soon(() => ran.push('soon again'))
    clock.advance(0)
    expect(ran).toEqual(['soon', 'soon again', 'timer'])
  })
})

test('one timer at a time, behind what was to come soon', () => {
  const clock = new ManualClock()
  const ran: string[] = []
  clock.schedule(20, () => ran.push(`b at ${clock.elapsedMs()}`))
  clock.schedule(10, () => ran.push(`a at ${clock.elapsedMs()}`))
  clock.soon(() => ran.push('soon'))
  expect(clock.runNext()).toBe(true)
  expect(ran).toEqual(['soon', 'a at 10'])
  expect(clock.runNext()).toBe(true)
  expect(clock.runNext()).toBe(false)
  expect(ran).toEqual(['soon', 'a at 10', 'b at 20'])
})
