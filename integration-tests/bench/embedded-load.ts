import { startKafka } from '../../src/index.ts'
import type { JobOf, JobResults } from './jobs.ts'

/** A broker inside of this process, started and stopped; the package's own modules are loaded already. */
export async function runEmbedded({ repetitions }: JobOf<'embedded'>): Promise<JobResults['embedded']> {
  const start = async () => {
    const startedMs = performance.now()
    const kafka = await startKafka()
    const tookMs = performance.now() - startedMs
    await kafka.stop()
    return tookMs
  }
  const firstMs = await start()
  const laterMs: number[] = []
  for (let repetition = 0; repetition < repetitions; repetition++) laterMs.push(await start())
  return { firstMs, laterMs }
}
