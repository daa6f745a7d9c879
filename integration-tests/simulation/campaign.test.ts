import { describe, expect, test } from 'vitest'
import { type Hand, runSeeds, SeedError } from './campaign.ts'
import type { SeedReport } from './seed-report.ts'

function report(seed: number): SeedReport {
  return { seed, hasFailed: false, lines: [`line of ${seed}`], events: 1, virtualMs: 1 }
}

/** Hands that are done when the test says so. */
class SlowHands {
  readonly waiting = new Map<number, (report: SeedReport) => void>()

  of(count: number): Hand[] {
    const run = (seed: number) => new Promise<SeedReport>((resolve) => void this.waiting.set(seed, resolve))
    return Array.from({ length: count }, () => ({ run }))
  }

  async finish(seed: number): Promise<void> {
    this.waiting.get(seed)!(report(seed))
    this.waiting.delete(seed)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('many seeds at the same time', () => {
  test('are told in their order, whoever is done first', async () => {
    const slow = new SlowHands()
    const told: number[] = []
    const underWay = new Set<number>()
    const tell = ({ seed }: SeedReport) => void told.push(seed)
    const all = runSeeds({ from: 5, seeds: 4, hands: slow.of(2), goesOn: () => true, tell }, underWay)
    expect([...underWay]).toEqual([5, 6])
    await slow.finish(6)
    await slow.finish(7)
    expect(told).toEqual([])
    expect([...underWay]).toEqual([5, 8])
    await slow.finish(5)
    expect(told).toEqual([5, 6, 7])
    await slow.finish(8)
    await all
    expect(told).toEqual([5, 6, 7, 8])
  })

  test('end with those that have begun when time is up', async () => {
    const slow = new SlowHands()
    const told: number[] = []
    let goesOn = true
    const tell = ({ seed }: SeedReport) => void told.push(seed)
    const all = runSeeds(
      { from: 1, seeds: 100, hands: slow.of(2), goesOn: () => goesOn, tell },
      new Set<number>(),
    )
    goesOn = false
    await slow.finish(2)
    await slow.finish(1)
    await all
    expect(told).toEqual([1, 2])
  })

  test('name the one whose simulation came to no end of its own', async () => {
    const hands: Hand[] = [{ run: () => Promise.reject(new Error('no such key')) }]
    const all = runSeeds({ from: 9, seeds: 1, hands, goesOn: () => true, tell: () => {} }, new Set<number>())
    await expect(all).rejects.toThrow(SeedError)
    await expect(all).rejects.toThrow('seed 9')
  })
})
