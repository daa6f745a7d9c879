import type { Job, JobKind, JobOf, JobResults } from './jobs.ts'

/** Only what the job needs is loaded. */
const loads: { [Kind in JobKind]: () => Promise<(job: JobOf<Kind>) => Promise<JobResults[Kind]>> } = {
  produce: () => import('./produce-load.ts').then((module) => module.runProduce),
  fetch: () => import('./fetch-load.ts').then((module) => module.runFetch),
  latency: () => import('./latency-load.ts').then((module) => module.runLatency),
  group: () => import('./group-load.ts').then((module) => module.runGroup),
  topic: () => import('./topic-load.ts').then((module) => module.runTopic),
  embedded: () => import('./embedded-load.ts').then((module) => module.runEmbedded),
}

async function run<Kind extends JobKind>(kind: Kind, job: JobOf<Kind>): Promise<JobResults[Kind]> {
  const load = await loads[kind]()
  return load(job)
}

/** The load generator: a job as JSON in the argument, its result as JSON on standard output. */
const job = JSON.parse(process.argv[2] ?? '') as Job
try {
  process.stdout.write(`${JSON.stringify(await run(job.kind, job))}\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}
