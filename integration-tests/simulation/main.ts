import { type Plan, planOf } from './plan.ts'
import { shrink } from './shrink.ts'
import { loadHandlers, type Outcome, simulate } from './simulate.ts'
import type { Violation } from './violation.ts'

const USAGE = `npm run simulate -- [--seeds N] [--from S] [--seconds T] [--only 1,2,3] [--history]

  --seeds N    how many seeds (default 100)
  --from S     the first one (default: one that the time of day gives)
  --seconds T  begin no seed after so many seconds
  --only LIST  of one seed, do only these steps
  --history    print all that happened`
/** The end of a history tells most. */
const MAX_LINES = 100
const MAX_SHRINKING_RUNS = 300

interface Options {
  readonly seeds: number
  readonly from: number
  readonly seconds: number
  readonly only: readonly number[] | undefined
  readonly isHistoryPrinted: boolean
}

function optionsOf(args: readonly string[]): Options {
  const values = new Map<string, string>()
  for (let at = 0; at < args.length; at++) {
    const name = args[at]!
    if (name === '--history') values.set(name, '')
    else if (['--seeds', '--from', '--seconds', '--only'].includes(name) && args[at + 1] !== undefined)
      values.set(name, args[++at]!)
    else {
      console.error(USAGE)
      process.exit(2)
    }
  }
  const only = values.get('--only')?.split(',').map(Number)
  return {
    seeds: Number(values.get('--seeds') ?? (only ? 1 : 100)),
    from: Number(values.get('--from') ?? Date.now() % 1_000_000_000),
    seconds: Number(values.get('--seconds') ?? Number.POSITIVE_INFINITY),
    only,
    isHistoryPrinted: values.has('--history'),
  }
}

/** Prints how to see a failure again, and the shortest history that was found for it. */
async function report(plan: Plan, failure: Violation): Promise<void> {
  console.log(`seed ${plan.seed}: ${failure.message}`)
  const shorter = await shrink(plan, failure.rule, MAX_SHRINKING_RUNS)
  const { failure: last = failure, history } = await simulate(shorter, true)
  const steps = shorter.steps.map(({ id }) => id).join(',')
  console.log(`${plan.steps.length} steps, ${shorter.steps.length} of them are enough (${plan.flushing}):`)
  for (const step of shorter.steps) console.log(`  ${JSON.stringify(step)}`)
  console.log('what happened:')
  for (const line of history.slice(-MAX_LINES)) console.log(line)
  console.log(`  => ${last.message}`)
  console.log(`to see it again: npm run simulate -- --from ${plan.seed} --only ${steps} --history`)
}

/** A simulation that comes to no end of its own is told with its seed. */
async function outcomeOf(plan: Plan, isHistoryKept: boolean): Promise<Outcome> {
  try {
    return await simulate(plan, isHistoryKept)
  } catch (error) {
    console.error(`seed ${plan.seed}:`)
    throw error
  }
}

async function main(): Promise<void> {
  const { seeds, from, seconds, only, isHistoryPrinted } = optionsOf(process.argv.slice(2))
  await loadHandlers()
  const beganMs = performance.now()
  const passedMs = () => performance.now() - beganMs
  let failures = 0
  let done = 0
  let events = 0
  let virtualMs = 0
  for (let seed = from; seed < from + seeds && passedMs() < seconds * 1000; seed++) {
    const whole = planOf(seed)
    const plan = only ? { ...whole, steps: whole.steps.filter(({ id }) => only.includes(id)) } : whole
    const outcome = await outcomeOf(plan, isHistoryPrinted)
    for (const line of outcome.history) console.log(line)
    done++
    events += outcome.events
    virtualMs += outcome.virtualMs
    if (!outcome.failure) continue
    failures++
    if (only) console.log(`seed ${seed}: ${outcome.failure.message}`)
    else await report(plan, outcome.failure)
  }
  const perSecond = Math.round(virtualMs / 60_000 / (passedMs() / 1000))
  console.log(
    `${done} seeds from ${from}, ${failures} failed; ${events} events, ${Math.round(virtualMs / 3_600_000)} virtual hours in ${Math.round(passedMs() / 1000)} s (${perSecond} virtual minutes a second)`,
  )
  process.exitCode = failures > 0 ? 1 : 0
}

await main()
