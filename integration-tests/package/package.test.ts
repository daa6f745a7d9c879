import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BrokerProcess } from '../support/broker-process.ts'
import { repositoryRoot } from '../support/repository.ts'
import { outputOf } from '../support/run-program.ts'

const folder = mkdtempSync(join(tmpdir(), 'odradek-package-'))
const project = join(folder, 'project')
const tool = (name: string) => join(repositoryRoot, 'node_modules', '.bin', name)
let tarball = ''

beforeAll(async () => {
  // `npm test` has just built dist/; building it again here would pull it away under the other suites.
  const packed = await outputOf('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: repositoryRoot,
  })
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
  tarball = join(folder, filename)
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'an-empty-project', private: true }))
  await outputOf('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], {
    cwd: project,
    timeoutMs: 120_000,
  })
}, 600_000)
afterAll(() => rmSync(folder, { recursive: true }))

/** The same program in each flavour: starts a broker, writes, reads, stops, and then ends by itself. */
const program = `
  const kafka = await startKafka({ topics: { orders: 3 } })
  await kafka.produce('orders', { key: 'a', value: { total: 42 } })
  const [record] = await kafka.records('orders', { count: 1 })
  console.log(kafka.bootstrapServers.startsWith('127.0.0.1:'), JSON.stringify(record.json()))
  await kafka.stop()
`
const PRINTED = 'true {"total":42}\n'

async function runInProject(file: string, source: string): Promise<string> {
  writeFileSync(join(project, file), source)
  return outputOf(process.execPath, [file], { cwd: project })
}

test('the package holds what is to be published, and nothing else', async () => {
  const listing = await outputOf('tar', ['-tzf', tarball])
  const names = listing.trim().split('\n')
  expect(names).toEqual(
    expect.arrayContaining(['package/README.md', 'package/LICENSE', 'package/dist/main.js']),
  )
  expect(
    names.filter(
      (name) => !/^package\/(dist\/|protocol-specs\/|README\.md$|LICENSE$|package\.json$)/.test(name),
    ),
  ).toEqual([])
  expect(names.filter((name) => /\.test\.|test-support/.test(name))).toEqual([])
  // Types that no import leads to.
  expect(names.filter((name) => name.startsWith('package/dist/cli/'))).toEqual([])
})

test('npx odradek runs', async () => {
  const data = join(folder, 'data')
  const broker = await BrokerProcess.start({ command: ['npx', '--no', '--', 'odradek'], cwd: project, data })
  expect(broker.bootstrapServers).toMatch(/^127\.0\.0\.1:\d+$/)
  expect(broker.data).toBe(data)
  // The exit code is npx's own.
  await broker.stop()
  expect(broker.log).toBe('')
  expect(readdirSync(data)).toContain('.kafka_cleanshutdown')
})

test('a start loads few files, as each costs time', async () => {
  const coverage = join(folder, 'coverage')
  const main = join(project, 'node_modules', 'odradek', 'dist', 'main.js')
  const command = ['env', `NODE_V8_COVERAGE=${coverage}`, process.execPath, main]
  const broker = await BrokerProcess.start({ command })
  expect(await broker.stop()).toBe(0)
  // It lists all that Node has loaded.
  const [report = ''] = readdirSync(coverage)
  const { result } = JSON.parse(readFileSync(join(coverage, report), 'utf8')) as { result: { url: string }[] }
  const files = result.map(({ url }) => url).filter((url) => url.includes('/odradek/dist/'))
  expect(files.length).toBeGreaterThan(1)
  expect(files.length).toBeLessThan(12)
})

test('startKafka from an ES module', async () => {
  expect(await runInProject('esm.mjs', `import { startKafka } from 'odradek'\n${program}`)).toBe(PRINTED)
})

test('startKafka from CommonJS', async () => {
  const source = `const { startKafka } = require('odradek')\n;(async () => {${program}})()`
  expect(await runInProject('commonjs.cjs', source)).toBe(PRINTED)
})

test('CommonJS gets a file of its own, for those that cannot require() an ES module, with the same names in it', async () => {
  const source = `import('odradek').then((imported) => {
    const required = require('odradek')
    const isSame = Object.keys(imported).join() === Object.keys(required).join()
    console.log(isSame, require.resolve('odradek').endsWith('.cjs'), imported.startKafka !== required.startKafka)
  })`
  expect(await runInProject('names.cjs', source)).toBe('true true true\n')
})

/** Each of these has to find the types, in a module of its own kind. */
const typeScripts = [
  ['.mts', ['--module', 'nodenext']],
  ['.cts', ['--module', 'nodenext']],
  ['.cts', ['--module', 'node16']],
  ['.mts', ['--module', 'esnext', '--moduleResolution', 'bundler']],
] as const

test.each(typeScripts)(
  'startKafka from TypeScript, %s with %j: the types resolve, and are right',
  async (ending, options) => {
    writeFileSync(
      join(project, `typed${ending}`),
      `import { type CreateTopicOptions, type Kafka, KafkaRecord, type MessageToProduce, type ProducedRecord } from 'odradek'
     import { type RecordsOptions, type StartKafkaOptions, startKafka } from 'odradek'
     const options: StartKafkaOptions = { topics: { orders: 3 } }
     const message: MessageToProduce = { key: 'a', value: { total: 42 } }
     const one: RecordsOptions & CreateTopicOptions = { count: 1, partitions: 1 }
     // @ts-expect-error The number of partitions is a number.
     const wrong = () => startKafka({ topics: { orders: 'three' } })
     const main = async () => {
       const kafka: Kafka = await startKafka(options)
       const produced: ProducedRecord[] = await kafka.produce('orders', [message])
       const records: KafkaRecord[] = await kafka.records('orders', one)
       const isRight: boolean = records[0] instanceof KafkaRecord && produced.length === kafka.brokers.length
       console.log(isRight && typeof wrong === 'function', JSON.stringify(records[0]?.json<{ total: number }>()))
       await kafka[Symbol.asyncDispose]()
     }
     main()
    `,
    )
    const types = ['--types', 'node', '--typeRoots', join(repositoryRoot, 'node_modules', '@types')]
    const strict = ['--strict', '--target', 'es2023', '--lib', 'es2023,esnext.disposable', ...types]
    await outputOf(tool('tsc'), [...options, ...strict, `typed${ending}`], { cwd: project })
    const script = `typed${ending.replace('ts', 'js')}`
    expect(await outputOf(process.execPath, [script], { cwd: project })).toBe(PRINTED)
  },
)

test('publint and attw have nothing to say', async () => {
  expect(await outputOf(tool('publint'), ['run', tarball, '--strict'])).toContain('All good!')
  await outputOf(tool('attw'), [tarball])
})
