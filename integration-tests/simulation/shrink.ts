import type { Plan, Step } from './plan.ts'
import { type Outcome, simulate } from './simulate.ts'

/** A plan that fails, and how. */
export interface Failing {
  readonly plan: Plan
  readonly outcome: Outcome
}

/** Leaves out steps for as long as the same rule is broken. `maxRuns`: how many plans to try at most. */
export async function shrink(plan: Plan, rule: string, maxRuns: number): Promise<Plan> {
  let steps = plan.steps
  let runs = 0
  const fails = async (candidate: readonly Step[]): Promise<boolean> => {
    runs++
    const { failure } = await simulate({ ...plan, steps: candidate })
    return failure?.rule === rule
  }
  for (let size = Math.ceil(steps.length / 2); size >= 1; ) {
    let isShorter = false
    for (let from = steps.length - size; from > -size && runs < maxRuns; from -= size) {
      const candidate = steps.filter((_, at) => at < from || at >= from + size)
      if (candidate.length === steps.length || !(await fails(candidate))) continue
      steps = candidate
      isShorter = true
    }
    if (runs >= maxRuns) break
    if (!isShorter || size > 1) size = size === 1 ? 0 : Math.ceil(size / 2)
  }
  return { ...plan, steps }
}
