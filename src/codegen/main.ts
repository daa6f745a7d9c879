import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseReleases } from '../specs/parse-releases.ts'
import { SpecError, type SpecFile } from '../specs/spec.ts'
import { emitErrorCodes, emitIndex } from './emit-index.ts'
import { emitModule } from './emit-module.ts'
import { emitReleases } from './emit-releases.ts'
import { loadSpecs } from './load-specs.ts'

const target = 'src/protocol/generated'
const releasesPath = 'protocol-specs/releases.table'

/**
 * Writes `src/protocol/generated` from `protocol-specs`; with `--check` it only tells which files are stale and fails when any is.
 * Run in the root of the repository.
 */
function main(): number {
  const isCheck = process.argv.includes('--check')
  const specs = loadSpecs('protocol-specs')
  const files = specs.files.map(withoutLayouts).filter((file) => file.messages.length > 0)
  const modules = new Map<string, string>([
    ['error-codes.ts', emitErrorCodes(specs.errorCodesPath, specs.errorCodes)],
    ['index.ts', emitIndex(files)],
    [
      'releases.ts',
      emitReleases(releasesPath, parseReleases(releasesPath, readFileSync(releasesPath, 'utf8'))),
    ],
  ])
  for (const file of files) modules.set(`${file.moduleName}.ts`, emitModule(file))
  const formatted = format(modules)
  const stale = staleFiles(formatted)
  if (isCheck) {
    for (const name of stale) process.stderr.write(`${join(target, name)} is stale\n`)
    if (stale.length > 0) process.stderr.write('Run: npm run generate\n')
    return stale.length === 0 ? 0 : 1
  }
  mkdirSync(target, { recursive: true })
  for (const name of stale) {
    const text = formatted.get(name)
    if (text === undefined) rmSync(join(target, name))
    else writeFileSync(join(target, name), text)
  }
  process.stdout.write(`${formatted.size} modules, ${stale.length} of them changed\n`)
  return 0
}

function withoutLayouts(file: SpecFile): SpecFile {
  return { ...file, messages: file.messages.filter((message) => message.role !== 'layout') }
}

/** Generated modules that are missing, differ, or have no spec any more. */
function staleFiles(modules: ReadonlyMap<string, string>): string[] {
  mkdirSync(target, { recursive: true })
  const existing = new Set(readdirSync(target))
  const changed = [...modules.keys()].filter(
    (name) => !existing.has(name) || readFileSync(join(target, name), 'utf8') !== modules.get(name),
  )
  return [...changed, ...[...existing].filter((name) => !modules.has(name))].sort()
}

/** Formats all modules in one run of Biome, with the project's own configuration. */
function format(modules: ReadonlyMap<string, string>): Map<string, string> {
  mkdirSync('.build', { recursive: true })
  const folder = mkdtempSync(join('.build', 'generated-'))
  try {
    for (const [name, text] of modules) writeFileSync(join(folder, name), text)
    const biome = join('node_modules', '@biomejs', 'biome', 'bin', 'biome')
    const options = ['format', '--write', '--vcs-enabled=false', relative('.', folder)]
    const run = spawnSync(process.execPath, [biome, ...options], { encoding: 'utf8' })
    if (run.status !== 0) throw new Error(`Biome could not format what was generated:\n${run.stderr}`)
    return new Map([...modules.keys()].map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

try {
  process.exitCode = main()
} catch (error) {
  if (!(error instanceof SpecError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
