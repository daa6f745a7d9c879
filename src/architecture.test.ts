import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = dirname(fileURLToPath(import.meta.url))

/** The rooms of the house, and the rooms each may import from (types included). `platform` stands for its interfaces. */
const allowed: Record<string, readonly string[]> = {
  protocol: [],
  platform: [],
  config: ['platform'],
  purgatory: ['platform'],
  quotas: ['protocol', 'platform', 'config'],
  log: ['protocol', 'platform', 'config'],
  metadata: ['protocol', 'platform', 'config', 'log'],
  coordinator: ['protocol', 'platform', 'config'],
  handlers: ['protocol', 'platform', 'config', 'log', 'metadata', 'coordinator', 'purgatory', 'quotas'],
  network: ['protocol', 'platform', 'config', 'handlers'],
  broker: [
    'protocol',
    'platform',
    'config',
    'log',
    'metadata',
    'coordinator',
    'handlers',
    'network',
    'purgatory',
    'quotas',
  ],
  trace: ['protocol', 'platform', 'config', 'handlers', 'network'],
  testing: ['broker', 'protocol', 'platform', 'config', 'trace'],
  cli: [
    'broker',
    'testing',
    'protocol',
    'platform',
    'config',
    'specs',
    'inspector',
    'trace',
    'dump',
    'check',
    'reference',
    'handlers',
  ],
  reference: ['specs', 'protocol', 'inspector'],
  dump: ['protocol', 'platform', 'log', 'specs', 'inspector'],
  check: ['protocol', 'platform', 'log', 'metadata', 'dump'],
  index: ['testing'],
  main: ['cli', 'platform'],
  specs: [],
  inspector: ['specs', 'protocol'],
  codegen: ['protocol', 'specs'],
}

/** What only the Node twin of the platform may touch. */
const forbidden: readonly [RegExp, string][] = [
  [/from 'node:(fs|net|tls|timers|dgram|http)[/']/, 'files and sockets come in through platform/'],
  [/\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b/, 'time comes in through platform/'],
  [/\bMath\.random\b|\brandomUUID\b|\brandomBytes\b/, 'chance comes in through platform/'],
  [/\b(setTimeout|setInterval|setImmediate)\(/, 'timers come in through platform/'],
  [/\bprocess\.(?!roles\b)/, 'only main.ts touches process'],
]

/** Rooms that are programs of their own or the Node twin itself. */
const mayTouchNode = (file: string) =>
  /^platform\/node-[^/]+\.ts$/.test(file) || /^(cli|codegen|testing)\//.test(file) || file === 'main.ts'

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts'))
const sources = files.filter((file) => !file.endsWith('.test.ts') && !file.includes('/test-support/'))
const roomOf = (file: string) =>
  file.includes('/') ? file.slice(0, file.indexOf('/')) : file.replace(/\.ts$/, '')
const text = (file: string) => readFileSync(join(root, file), 'utf8')

test('imports point one way', () => {
  const wrong: string[] = []
  for (const file of sources) {
    const room = roomOf(file)
    const mayImport = allowed[room]
    if (!mayImport) {
      wrong.push(`${file}: no rule for the room ${room}`)
      continue
    }
    for (const [, target] of text(file).matchAll(/^(?:import|export|\} from|.*\bimport\().*?'(\.[^']*)'/gm)) {
      // What the generator writes imports from where it is written to.
      if (room === 'codegen' && /^\.\.\/[^/]+\.ts$/.test(target!)) continue
      const imported = relative(root, resolve(root, dirname(file), target!)).replaceAll('\\', '/')
      const to = roomOf(imported)
      if (to !== room && !mayImport.includes(to)) wrong.push(`${file} imports ${imported}`)
    }
  }
  expect(wrong).toEqual([])
})

test('handlers do not import each other', () => {
  const shared = new Set(['handler.ts', 'index.ts', 'dispatch.ts'])
  const handlers = sources.filter(
    (file) => /^handlers\/[^/]+\.ts$/.test(file) && !shared.has(file.slice('handlers/'.length)),
  )
  const served = new Set(
    [...text('handlers/index.ts').matchAll(/import\('\.\/([^']+)'\)/g)].map(([, name]) => name!),
  )
  const wrong: string[] = []
  for (const file of handlers) {
    for (const [, target] of text(file).matchAll(/from '\.\/([^/']+\.ts)'/g)) {
      if (served.has(target!)) wrong.push(`${file} imports the handler ${target}`)
    }
  }
  expect(wrong).toEqual([])
})

test('only the Node twin of the platform touches files, sockets, time, chance and process', () => {
  const wrong: string[] = []
  for (const file of sources) {
    if (mayTouchNode(file)) continue
    const code = text(file)
      .replace(/\/\*[\s\S]*?\*\//g, '')
      .replace(/\/\/.*$/gm, '')
    for (const [pattern, why] of forbidden) if (pattern.test(code)) wrong.push(`${file}: ${why}`)
  }
  expect(wrong).toEqual([])
})

test('no file has two jobs: at most 500 lines, generated code aside', () => {
  const long = files
    .filter((file) => !file.startsWith('protocol/generated/'))
    .map((file) => ({ file, lines: text(file).split('\n').length }))
    .filter(({ lines }) => lines > 500)
  expect(long).toEqual([])
})

test('nothing refers to what lies outside of the repository', () => {
  const pattern = new RegExp(['\\.\\./shar', 'ed/|/work', '/|/tmp/odr', 'adek'].join(''))
  expect(files.filter((file) => pattern.test(text(file)))).toEqual([])
})
