import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ClusterView, viewOf } from './interchange/cluster-view.ts'
import { type Engine, type RunningBroker, settledView, startBroker } from './interchange/exchange.ts'
import { SeededRandom } from './interchange/seeded-random.ts'
import { Workload } from './interchange/workload.ts'
import { clientSuite } from './support/client-suite.ts'
import { missingKafkaTools } from './support/kafka-tools.ts'

/** Times that a directory goes to the other broker and comes back; `.ci/run` asks for ten. */
const ROUNDS = Number(process.env.ODRADEK_INTERCHANGE_ROUNDS ?? 2)
const SEED = Number(process.env.ODRADEK_INTERCHANGE_SEED ?? Date.now() % 1_000_000)
const ROUND_TIMEOUT_MS = 120_000
/** What either broker says when the one before it was killed. */
const RECOVERED = /last shutdown was not clean|recovering segment and rebuilding index files/

clientSuite('interchange of a data directory with Apache Kafka', missingKafkaTools(), () => {
  let folder = ''
  let running: RunningBroker | undefined
  const start = async (engine: Engine) => {
    running = await startBroker(engine, folder)
    return running
  }
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'odradek-interchange-'))
  })
  afterEach(async () => {
    await running?.kill()
    if (!process.env.KEEP) rmSync(folder, { recursive: true, force: true })
    else console.log(folder)
  })

  const backAndForth = (first: Engine, second: Engine) =>
    test(
      `${first} begins, and ${ROUNDS} times the directory goes over and comes back; half of the times after kill -9 (seed ${SEED})`,
      async () => {
        const random = new SeededRandom(SEED)
        const workload = new Workload(random)
        let expected: ClusterView | undefined
        let wasKilled = false
        for (let turn = 0; turn <= 2 * ROUNDS; turn++) {
          const engine = turn % 2 === 0 ? first : second
          const broker = await start(engine)
          const where = `turn ${turn}, ${engine}, seed ${SEED}`
          if (expected) expect([where, await viewOf(broker.bootstrapServers)]).toEqual([where, expected])
          else await workload.found(broker.bootstrapServers)
          await workload.work(broker.bootstrapServers).catch((error: unknown) => {
            throw new Error(where, { cause: error })
          })
          expected = await settledView(broker)
          // Both brokers are stopped in order and killed by turns.
          if (turn % 4 < 2) await broker.stop()
          else {
            await workload.burst(broker.bootstrapServers)
            expected = await viewOf(broker.bootstrapServers)
            await broker.kill()
          }
          const complaints = broker.complaints.filter((line) => !(wasKilled && RECOVERED.test(line)))
          expect([where, complaints]).toEqual([where, []])
          wasKilled = turn % 4 >= 2
        }
        console.log(`${2 * ROUNDS} exchanges, seed ${SEED}: ${JSON.stringify(workload.counts)}`)
      },
      (2 * ROUNDS + 1) * ROUND_TIMEOUT_MS,
    )

  backAndForth('Odradek', 'Apache Kafka')
  backAndForth('Apache Kafka', 'Odradek')
})
