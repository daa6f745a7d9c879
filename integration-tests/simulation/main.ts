import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { type Hand, runSeeds } from './campaign.ts'
import { reportOf, type SeedReport, type Task } from './seed-report.ts'
import { loadHandlers } from './simulate.ts'

const USAGE = `npm run simulate -- [--seeds N] [--from S] [--workers N] [--seconds T] [--only 1,2,3] [--history]

  --seeds N    how many seeds (default 100)
  --from S     the first one (default: one that the time of day gives)
  --workers N  how many at the same time (default: the number of cores)
  --seconds T  begin no seed after so many seconds
  --only LIST  of one seed, do only these steps
  --history    print all that happened`
const VALUES: readonly string[] = ['--seeds', '--from', '--workers', '--seconds', '--only']
const INTERRUPTED = 130

interface Options extends Task {
  readonly seeds: number
  readonly from: number
  readonly workers: number
  readonly seconds: number
}

function optionsOf(args: readonly string[]): Options {
  const values = new Map<string, string>()
  for (let at = 0; at < args.length; at++) {
    const name = args[at]!
    if (name === '--history') values.set(name, '')
    else if (VALUES.includes(name) && args[at + 1] !== undefined) values.set(name, args[++at]!)
    else {
      console.error(USAGE)
      process.exit(2)
    }
  }
  const only = values.get('--only')?.split(',').map(Number)
  const seeds = Number(values.get('--seeds') ?? (only ? 1 : 100))
  return {
    seeds,
    from: Number(values.get('--from') ?? Date.now() % 1_000_000_000),
    workers: Math.max(1, Math.min(seeds, Number(values.get('--workers') ?? availableParallelism()))),
    seconds: Number(values.get('--seconds') ?? Number.POSITIVE_INFINITY),
    only,
    isHistoryPrinted: values.has('--history'),
  }
}

/** Another thread. It has all code compiled for itself, so a few seeds gain little from many of them. */
function thread(task: Task): Hand & { end(): void } {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: task })
  const run = (seed: number) =>
    new Promise<SeedReport>((resolve, reject) => {
      worker.removeAllListeners()
      worker.once('message', resolve).once('error', reject)
      worker.postMessage(seed)
    })
  return { run, end: () => void worker.terminate() }
}

async function handsFor({ workers, ...task }: Options): Promise<{ hands: Hand[]; end: () => void }> {
  if (workers > 1) {
    const hands = Array.from({ length: workers }, () => thread(task))
    return {
      hands,
      end: () => {
        for (const hand of hands) hand.end()
      },
    }
  }
  await loadHandlers()
  return { hands: [{ run: (seed) => reportOf(seed, task) }], end: () => {} }
}

async function main(): Promise<void> {
  const options = optionsOf(process.argv.slice(2))
  const { seeds, from, workers, seconds } = options
  const { hands, end } = await handsFor(options)
  const underWay = new Set<number>()
  process.once('SIGINT', () => {
    console.error(`stopped at ${[...underWay].join(', ')}`)
    process.exit(INTERRUPTED)
  })
  const beganMs = performance.now()
  const passedSeconds = () => (performance.now() - beganMs) / 1000
  let done = 0
  let failures = 0
  let events = 0
  let virtualMs = 0
  const tell = (report: SeedReport) => {
    for (const line of report.lines) console.log(line)
    done++
    if (report.hasFailed) failures++
    events += report.events
    virtualMs += report.virtualMs
  }
  try {
    await runSeeds({ seeds, from, hands, goesOn: () => passedSeconds() < seconds, tell }, underWay)
  } finally {
    end()
  }
  const passed = passedSeconds()
  const speed = virtualMs / 60_000 / passed
  console.log(
    `${done} seeds from ${from}, ${failures} failed; ${events} events, ${Math.round(virtualMs / 3_600_000)} virtual hours in ${Math.round(passed)} s (${Math.round(speed)} virtual minutes a second, ${Math.round(speed / workers)} by each of ${workers})`,
  )
  process.exitCode = failures > 0 ? 1 : 0
}

await main()
