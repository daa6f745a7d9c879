import type { SeedReport } from './seed-report.ts'

/** Where seeds are simulated, one after the other: this thread or another one. */
export interface Hand {
  /** Rejects with what was not the broker's fault; no more is asked of it then. */
  run(seed: number): Promise<SeedReport>
}

export interface Campaign {
  readonly from: number
  readonly seeds: number
  readonly hands: readonly Hand[]
  /** False: no seed is begun any more. */
  readonly goesOn: () => boolean
  /** Gets the reports in the order of their seeds, whoever comes first. */
  readonly tell: (report: SeedReport) => void
}

/** A seed whose simulation came to no end of its own. */
export class SeedError extends Error {
  override readonly name = 'SeedError'

  constructor(seed: number, cause: unknown) {
    super(`seed ${seed}: ${cause instanceof Error ? (cause.stack ?? cause.message) : cause}`, { cause })
  }
}

/** Each hand takes the next seed when it has done one. Seeds that are under way, for who has to say so, are in `underWay`. */
export async function runSeeds(campaign: Campaign, underWay: Set<number>): Promise<void> {
  const { from, seeds, hands, goesOn, tell } = campaign
  const untold = new Map<number, SeedReport>()
  let next = from
  let nextTold = from
  const work = async (hand: Hand) => {
    while (next < from + seeds && goesOn()) {
      const seed = next++
      underWay.add(seed)
      const report = await hand.run(seed).catch((error: unknown) => {
        throw new SeedError(seed, error)
      })
      underWay.delete(seed)
      untold.set(seed, report)
      for (let due = untold.get(nextTold); due; due = untold.get(nextTold)) {
        untold.delete(nextTold++)
        tell(due)
      }
    }
  }
  await Promise.all(hands.map(work))
}
