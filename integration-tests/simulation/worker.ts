import { parentPort, workerData } from 'node:worker_threads'
import { reportOf, type Task } from './seed-report.ts'
import { loadHandlers } from './simulate.ts'

/** A thread that simulates the seeds that it is told, and answers each with its `SeedReport`. */
await loadHandlers()
parentPort?.on('message', async (seed: number) => {
  parentPort?.postMessage(await reportOf(seed, workerData as Task))
})
