import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { SimulatedInode } from '../../src/platform/simulated-inode.ts'
import { planOf } from './plan.ts'
import { shrink } from './shrink.ts'
import { loadHandlers, simulate } from './simulate.ts'

const FIXED_SEEDS = [18, 37, 41, 193, 1078, 3042, 60_029, 60_182, 61_779]
const FRESH_SEED = Date.now() % 1_000_000_000

beforeAll(loadHandlers)
afterEach(() => vi.restoreAllMocks())

describe('a broker under everything at once', () => {
  test.each([...FIXED_SEEDS, FRESH_SEED])(
    'keeps its promises: npm run simulate -- --seeds 1 --from %i',
    async (seed) => {
      const { failure } = await simulate(planOf(seed))
      expect(failure).toBeUndefined()
    },
  )

  test('does the same for the same seed, byte for byte', async () => {
    const first = await simulate(planOf(6), true)
    // Wherever it is called from.
    const second = await new Promise<typeof first>((resolve) =>
      setImmediate(() => resolve(simulate(planOf(6), true))),
    )
    expect(second.history).toEqual(first.history)
    expect(second.digest).toBe(first.digest)
    expect(first.history.length).toBeGreaterThan(50)
    expect((await simulate(planOf(8))).digest).not.toBe(first.digest)
  })

  test('on a disk that only claims to flush is found out, by few steps', async () => {
    vi.spyOn(SimulatedInode.prototype, 'flush').mockImplementation(() => {})
    for (let seed = 1; ; seed++) {
      expect(seed).toBeLessThan(10)
      const plan = planOf(seed)
      const { failure } = await simulate(plan)
      if (failure === undefined) continue
      const shorter = await shrink(plan, failure.rule, 60)
      expect(shorter.steps.length).toBeLessThan(plan.steps.length / 2)
      expect((await simulate(shorter)).failure?.rule).toBe(failure.rule)
      break
    }
  })
})
