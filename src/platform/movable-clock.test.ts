import { expect, test } from 'vitest'
import { ManualClock } from './manual-clock.ts'
import { MovableClock } from './movable-clock.ts'

const START = 1_700_000_000_000

test('goes as the clock behind it', () => {
  const base = new ManualClock(START)
  const clock = new MovableClock(base)
  const ran: string[] = []
  clock.schedule(100, () => ran.push('late'))
  clock.schedule(50, () => ran.push('early'))
  clock.schedule(60, () => ran.push('never')).cancel()
  base.advance(99)
  expect([clock.now(), ran]).toEqual([START + 99, ['early']])
  base.advance(1)
  expect(ran).toEqual(['early', 'late'])
  expect(base.pending()).toEqual([])
})

test('moved, it runs what is due on the way in order and at its time, once, and what is later so much earlier', () => {
  const base = new ManualClock(START)
  const clock = new MovableClock(base)
  const ran: [string, number][] = []
  const note = (name: string) => () => void ran.push([name, clock.now() - START])
  clock.schedule(1000, () => {
    note('second')()
    clock.schedule(500, note('third'))
    clock.schedule(5000, note('last'))
  })
  clock.schedule(10, note('first'))
  clock.advance(2000)
  expect(ran).toEqual([
    ['first', 10],
    ['second', 1000],
    ['third', 1500],
  ])
  expect([clock.now(), base.now(), base.pending()]).toEqual([START + 2000, START, [4000]])
  base.advance(4000)
  expect(ran.at(-1)).toEqual(['last', 6000])
})
