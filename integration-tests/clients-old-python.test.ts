import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { requiresAll } from './support/client-suite.ts'
import { exchangeSuite } from './support/exchange-suite.ts'
import { clientsFolder } from './support/repository.ts'

const program = join(import.meta.dirname, 'clients', 'old-python', 'exchange.py')

function suite(version: string, apiVersion?: string): void {
  const python = join(clientsFolder, `old-python-${version}`, 'bin', 'python')
  const missing = existsSync(python)
    ? undefined
    : `kafka-python ${version} is not installed (integration-tests/clients/install.sh)`
  const name = `clients/old kafka-python ${version}${apiVersion ? ` for ${apiVersion}` : ''}`
  exchangeSuite(name, missing, {
    command: [python, program],
    env: { PYTHONDONTWRITEBYTECODE: '1', ...(apiVersion ? { API_VERSION: apiVersion } : {}) },
    codecs: ['none', 'gzip', 'snappy', ...(apiVersion === '0.8.1' ? [] : ['lz4'])],
    isBeyondKafka: apiVersion === '0.8.1',
  })
}

// What it finds out of the broker, and what it believes of it: 0.8.1 kept offsets in ZooKeeper, 0.8.2 had lz4 of a kind (KAFKA-3160),
// 0.9 groups, 0.10 message format 1.
const everyVersion = [undefined, '0.8.1', '0.8.2', '0.9', '0.10']

for (const apiVersion of requiresAll ? everyVersion : [undefined, '0.8.1', '0.8.2'])
  suite('1.4.7', apiVersion)
for (const apiVersion of requiresAll ? everyVersion : [undefined, '0.10']) suite('2.0.2', apiVersion)
