import { describe, expect, test } from 'vitest'
import { run } from '../run.ts'
import { FakeHost } from '../test-support/fake-host.ts'

async function api(args: string[], options: ConstructorParameters<typeof FakeHost>[1] = {}) {
  const host = new FakeHost(['api', ...args], options)
  const exitCode = await run(host)
  return { exitCode, stdout: host.stdout, stderr: host.stderr, host }
}

const ESCAPE = '\u001b['

describe('api', () => {
  test('all APIs, a line each', async () => {
    const { exitCode, stdout } = await api([])
    expect(stdout).toMatch(/^18 +ApiVersions +0-4 +- +3\+ +0-4 +\S/m)
    expect(stdout).toMatch(/^consumer-offsets-records /m)
    expect(exitCode).toBe(0)
  })

  test('a page fits the terminal, whatever its width', async () => {
    for (const columns of [80, 110]) {
      for (const args of [['offsetcommit'], ['18', '3'], ['errors'], ['error', '3'], []]) {
        const lines = (await api(args, { columns })).stdout.split('\n')
        const long = lines.filter((line) => line.length > columns)
        expect(long, `${args.join(' ')} in ${columns} columns`).toEqual([])
      }
    }
    // Where a table has no room, its prose goes below the row.
    expect((await api(['errors'], { columns: 50 })).stdout).toContain(
      '\n    The partition does not have the offset: it',
    )
  })

  test('an example shows bytes beside fields', async () => {
    const { stdout } = await api(['ApiVersions', '3'])
    expect(stdout).toMatch(/00 12 +requestApiKey {2}18 {2}ApiVersions/)
    expect(stdout).toMatch(/clientSoftwareName {2}"kafkajs"/)
    expect(stdout).toContain('Request, version 3')
  })

  test('colours on a terminal, unless NO_COLOR is set', async () => {
    expect((await api(['12'], { isTerminal: true })).stdout).toContain(ESCAPE)
    expect((await api(['12'], { isTerminal: true, environment: { NO_COLOR: '1' } })).stdout).not.toContain(
      ESCAPE,
    )
    expect((await api(['12'])).stdout).not.toContain(ESCAPE)
  })

  test('as JSON', async () => {
    const list = (await api(['--json'])).host.json
    expect(list).toContainEqual(expect.objectContaining({ key: 0, name: 'Produce', versions: '0-13' }))
    const [fetch] = (await api(['fetch', '11', '--json'])).host.json as Record<string, unknown>[]
    expect(fetch).toMatchObject({
      key: 1,
      request: {
        fields: expect.arrayContaining([expect.objectContaining({ name: 'topics', type: '[]FetchTopic' })]),
      },
      clients: expect.arrayContaining([{ client: 'Java 4.3', from: 4, to: 18 }]),
      example: { version: 11, request: { hex: expect.stringMatching(/^0000/) } },
    })
    expect((await api(['error', '3', '--json'])).host.json).toMatchObject([
      { name: 'UNKNOWN_TOPIC_OR_PARTITION' },
    ])
    for (const name of ['errors', 'headers', 'VotersRecord'])
      expect((await api([name, '--json'])).host.json).toHaveLength(1)
  })

  test('as Markdown', async () => {
    const { stdout } = await api(['heartbeat', '--markdown'])
    expect(stdout).toMatch(/^# Heartbeat \(key 12\)\n/)
    expect(stdout).toContain('| FIELD | TYPE | DESCRIPTION |\n|---|---|---|\n| groupId | compact string |')
  })

  test('what is not there', async () => {
    expect(await api(['ofsetcomit'])).toMatchObject({
      exitCode: 3,
      stderr: 'odradek: nothing is called ofsetcomit; did you mean OffsetCommit?\n',
    })
    expect(await api(['Fetch', '99'])).toMatchObject({
      exitCode: 3,
      stderr: 'odradek: Fetch has no version 99, only 0-18\n',
    })
    expect((await api(['error', '999'])).exitCode).toBe(3)
    expect((await api(['Fetch', 'x'])).exitCode).toBe(2)
    expect((await api(['errors', '1'])).exitCode).toBe(2)
    expect((await api(['Fetch', '--json', '--markdown'])).exitCode).toBe(2)
  })
})
