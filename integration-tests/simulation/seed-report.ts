import { type Plan, planOf } from './plan.ts'
import { shrink } from './shrink.ts'
import { type Outcome, simulate } from './simulate.ts'
import type { Violation } from './violation.ts'

/** The end of a history tells most. */
const MAX_LINES = 100
const MAX_SHRINKING_RUNS = 300

/** What is done with each seed. */
export interface Task {
  /** Of the plan only these steps; all when left out. */
  readonly only: readonly number[] | undefined
  readonly isHistoryPrinted: boolean
}

/** What came of one seed; goes from thread to thread. */
export interface SeedReport {
  readonly seed: number
  readonly hasFailed: boolean
  /** To be printed. */
  readonly lines: readonly string[]
  readonly events: number
  readonly virtualMs: number
}

/** Simulates one seed, and again and again when it fails, for the shortest history. Throws only what is the simulation's own fault. */
export async function reportOf(seed: number, { only, isHistoryPrinted }: Task): Promise<SeedReport> {
  const whole = planOf(seed)
  const plan = only ? { ...whole, steps: whole.steps.filter(({ id }) => only.includes(id)) } : whole
  const { failure, history, events, virtualMs } = await outcomeOf(plan, isHistoryPrinted)
  const lines = [...history]
  if (failure && only) lines.push(`seed ${seed}: ${failure.message}`)
  else if (failure) lines.push(...(await explained(plan, failure)))
  return { seed, hasFailed: failure !== undefined, lines, events, virtualMs }
}

async function outcomeOf(plan: Plan, isHistoryKept: boolean): Promise<Outcome> {
  try {
    return await simulate(plan, isHistoryKept)
  } catch {
    // Once more, with stack traces.
    return simulate(plan, true)
  }
}

/** How to see a failure again, and the shortest history that was found for it. */
async function explained(plan: Plan, failure: Violation): Promise<string[]> {
  const shorter = await shrink(plan, failure.rule, MAX_SHRINKING_RUNS)
  const { failure: last = failure, history } = await simulate(shorter, true)
  const steps = shorter.steps.map(({ id }) => id).join(',')
  return [
    `seed ${plan.seed}: ${failure.message}`,
    `${plan.steps.length} steps, ${shorter.steps.length} of them are enough (${plan.flushing}):`,
    ...shorter.steps.map((step) => `  ${JSON.stringify(step)}`),
    'what happened:',
    ...history.slice(-MAX_LINES),
    `  => ${last.message}`,
    `to see it again: npm run simulate -- --from ${plan.seed} --only ${steps} --history`,
  ]
}
