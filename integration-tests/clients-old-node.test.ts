import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { exchangeSuite } from './support/exchange-suite.ts'
import { clientsFolder } from './support/repository.ts'

const programs = join(import.meta.dirname, 'clients', 'old-node')
const modules = join(clientsFolder, 'old-node', 'node_modules')

for (const name of ['kafka-node', 'no-kafka']) {
  const missing = existsSync(join(modules, name))
    ? undefined
    : `${name} is not installed (integration-tests/clients/install.sh)`
  exchangeSuite(`clients/old ${name}`, missing, {
    // Both use what Node has deprecated since.
    command: [process.execPath, '--no-deprecation', join(programs, `${name}.cjs`)],
    env: { NODE_PATH: modules },
    codecs: ['none', 'gzip', 'snappy'],
  })
}
