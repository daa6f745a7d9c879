import { type Logger, silentLogger } from '../../src/platform/logger.ts'
import { startKafka } from '../../src/testing/start-kafka.ts'
import { parseAddress } from './broker-under-test.ts'
import type { RunningBroker } from './run.ts'

/** What goes wrong inside the broker is told: the answer that a scenario sees says little about it. */
const errorLogger: Logger = {
  ...silentLogger,
  error: (facts, message) => console.error('broker:', message, facts),
  child: () => errorLogger,
}

/** A fresh Odradek in this process, in memory, on a free port. */
export async function startInProcess(settings: Readonly<Record<string, string>>): Promise<RunningBroker> {
  const kafka = await startKafka({ properties: settings, logger: errorLogger })
  return { address: parseAddress(kafka.bootstrapServers), stop: () => kafka.stop() }
}
