import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { nodeClock } from './node-clock.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('a timer runs once when it is due, and not after it was cancelled', () => {
  const clock = nodeClock()
  const task = vi.fn()
  clock.schedule(50, task)
  clock.schedule(50, () => expect.unreachable()).cancel()
  vi.advanceTimersByTime(49)
  expect(task).not.toHaveBeenCalled()
  vi.advanceTimersByTime(100)
  expect(task).toHaveBeenCalledTimes(1)
})

test('a delay that is too long for setTimeout still waits', () => {
  const clock = nodeClock()
  const task = vi.fn()
  clock.schedule(3e9, task)
  vi.advanceTimersByTime(2.9e9)
  expect(task).not.toHaveBeenCalled()
  vi.advanceTimersByTime(0.2e9)
  expect(task).toHaveBeenCalledTimes(1)
})

test('what is due already is no negative delay, of which newer releases of Node warn', () => {
  const timeouts = vi.spyOn(globalThis, 'setTimeout')
  const task = vi.fn()
  nodeClock().schedule(-5, task)
  expect(timeouts.mock.calls.map(([, delayMs]) => delayMs)).toEqual([0])
  vi.advanceTimersByTime(0)
  expect(task).toHaveBeenCalledTimes(1)
})
