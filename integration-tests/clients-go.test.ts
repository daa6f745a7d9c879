import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clientSuite, sharedBroker } from './support/client-suite.ts'
import { outputOf, succeeds } from './support/run-program.ts'

const source = join(import.meta.dirname, 'clients', 'go')

/** Why the suite cannot run. Nothing is fetched here: modules have to be there already. */
function missing(): string | undefined {
  if (!succeeds('go', ['version'])) return 'no go'
  const env = { GOPROXY: 'off', GOFLAGS: '-mod=readonly' }
  return succeeds('go', ['list', '-deps', '.'], { cwd: source, env })
    ? undefined
    : 'franz-go is not downloaded'
}

clientSuite('clients/go franz-go', missing(), () => {
  let folder = ''
  let program = ''
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'odradek-franz-go-'))
    program = join(folder, 'franz-go')
    await outputOf('go', ['build', '-o', program, '.'], { cwd: source, timeoutMs: 300_000 })
  }, 600_000)
  afterAll(() => rmSync(folder, { recursive: true }))
  const broker = sharedBroker()

  test.each(['group none', 'group gzip', 'group snappy', 'group lz4', 'group zstd', 'records', 'admin'])(
    '%s',
    async (name) => {
      expect(await outputOf(program, [broker.bootstrapServers, ...name.split(' ')])).toBe('')
    },
  )
})
