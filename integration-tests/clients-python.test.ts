import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { clientSuite, sharedBroker } from './support/client-suite.ts'
import { clientsFolder } from './support/repository.ts'
import { outputOf, succeeds } from './support/run-program.ts'

const programs = join(import.meta.dirname, 'clients', 'python')
const installed = join(clientsFolder, 'python', 'bin', 'python')
const python = existsSync(installed) ? installed : 'python3'

/** Why a suite cannot run, when Python or one of the modules is not there. */
function missing(...modules: string[]): string | undefined {
  const isThere = succeeds(python, ['-c', `import ${modules.join(', ')}`])
  return isThere ? undefined : `no python3 with ${modules.join(', ')}`
}

function scenarios(program: string, names: readonly string[]): void {
  const broker = sharedBroker()
  test.each(names)('%s', async (name) => {
    const args = [join(programs, program), broker.bootstrapServers, ...name.split(' ')]
    expect(await outputOf(python, args, { env: { PYTHONDONTWRITEBYTECODE: '1' } })).toBe('')
  })
}

clientSuite('clients/python confluent-kafka', missing('confluent_kafka'), () => {
  scenarios('confluent.py', [
    'group gzip',
    'group snappy',
    'group lz4',
    'group zstd',
    'rebalance',
    'static',
    'records',
    'admin',
  ])
})

// The codecs but gzip are modules of their own.
clientSuite('clients/python kafka-python', missing('kafka', 'snappy', 'lz4', 'zstandard'), () => {
  const names = ['group none', 'group gzip', 'group snappy', 'group lz4', 'group zstd', 'admin']
  scenarios('kafka_python.py', names)
})
