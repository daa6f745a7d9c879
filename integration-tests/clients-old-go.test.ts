import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { requiresAll } from './support/client-suite.ts'
import { exchangeSuite } from './support/exchange-suite.ts'
import { outputOf, succeeds } from './support/run-program.ts'

const source = join(import.meta.dirname, 'clients', 'old-go')
const folder = mkdtempSync(join(tmpdir(), 'odradek-sarama-'))
const program = join(folder, 'sarama')

/** Why the suites cannot run. Nothing is fetched here: modules have to be there already. */
function whatIsMissing(): string | undefined {
  if (!succeeds('go', ['version'])) return 'no go'
  const env = { GOPROXY: 'off', GOFLAGS: '-mod=readonly' }
  return succeeds('go', ['list', '-deps', '.'], { cwd: source, env })
    ? undefined
    : 'sarama is not downloaded (integration-tests/clients/install.sh)'
}

const missing = whatIsMissing()

beforeAll(async () => {
  if (missing) return
  await outputOf('go', ['build', '-o', program, '.'], { cwd: source, timeoutMs: 300_000 })
}, 600_000)
afterAll(() => rmSync(folder, { recursive: true }))

// Each of them sends the requests of that release: message format 0, 1 from 0.10 on, batches from 0.11 on. sarama has lz4 since 0.10.
const everyVersion = ['0.8.2.0', '0.9.0.1', '0.10.0.0', '0.10.2.0', '0.11.0.0', '1.1.0', '2.0.0']

for (const version of requiresAll ? everyVersion : ['0.8.2.0', '0.10.2.0', '0.11.0.0']) {
  exchangeSuite(`clients/old sarama 1.19 for ${version}`, missing, {
    command: [program],
    env: { KAFKA_VERSION: version },
    codecs: /^0\.[89]\./.test(version) ? ['none', 'gzip', 'snappy'] : ['none', 'gzip', 'snappy', 'lz4'],
  })
}
