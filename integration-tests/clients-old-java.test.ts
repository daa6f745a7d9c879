import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { requiresAll } from './support/client-suite.ts'
import { exchangeSuite } from './support/exchange-suite.ts'
import { clientsFolder } from './support/repository.ts'
import { outputOf, succeeds } from './support/run-program.ts'

const source = join(import.meta.dirname, 'clients', 'old-java', 'Exchange.java')
const folder = mkdtempSync(join(tmpdir(), 'odradek-old-java-'))
const jars = (version: string) => join(clientsFolder, 'old-java', version)
const hasJava = succeeds('javac', ['-version'])

const versions = requiresAll ? ['0.10.2.2', '0.11.0.3', '1.1.1', '2.4.1'] : ['0.10.2.2', '2.4.1']

function missing(version: string): string | undefined {
  if (!hasJava) return 'no javac'
  return existsSync(jars(version))
    ? undefined
    : `kafka-clients ${version} is not fetched (integration-tests/clients/install.sh)`
}

const classes = (version: string) => join(folder, version)

beforeAll(async () => {
  const there = versions.filter((version) => missing(version) === undefined)
  const compile = (version: string) => {
    mkdirSync(classes(version))
    return outputOf('javac', ['-nowarn', '-cp', join(jars(version), '*'), '-d', classes(version), source])
  }
  await Promise.all(there.map(compile))
}, 600_000)
afterAll(() => rmSync(folder, { recursive: true }))

for (const version of versions) {
  exchangeSuite(`clients/old kafka-clients ${version}`, missing(version), {
    command: [
      'java',
      '-Xmx128m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-cp',
      `${classes(version)}:${join(jars(version), '*')}`,
      'Exchange',
    ],
    codecs: ['none', 'gzip', 'snappy', 'lz4', ...(version.startsWith('2.') ? ['zstd'] : [])],
  })
}
