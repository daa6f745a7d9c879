import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'rolldown'

/** Packages and Node's own modules stay imports. */
const external = /^[^./]/
/** These and all that they import. A library has no use for the last two, so the first imports them later. */
const neededByAStart =
  /[\\/]src[\\/](cli[\\/]start|trace[\\/]trace-listener|platform[\\/]node-local-sockets)\.js$/

// Rolldown's own command would print every file.
await build([
  /**
   * Joins what `tsc` wrote into few files: Node spends about 0.7 ms on each module that it loads, and a start needs 200 of them. These are
   * one file, whoever else imports one of them. Handlers, commands and texts that a start does not need stay in files of their own, as
   * they are imported when they are used.
   */
  {
    input: { main: './.build/src/main.js', index: './.build/src/index.js' },
    platform: 'node',
    external,
    // The handler of ApiVersions, which a start needs, is listed among those that are loaded when they are used.
    checks: { ineffectiveDynamicImport: false },
    output: {
      dir: 'dist',
      chunkFileNames: 'chunks/[name].js',
      codeSplitting: { groups: [{ name: 'broker', test: neededByAStart }] },
    },
  },
  /** The same library as one file of CommonJS: Jest and TypeScript's node16 cannot load ES modules by require(). */
  {
    input: './.build/src/index.js',
    platform: 'node',
    external,
    output: { format: 'cjs', file: 'dist/index.cjs', codeSplitting: false },
    plugins: [
      {
        name: 'declarations of CommonJS',
        generateBundle() {
          const source = readFileSync('src/index.d.cts', 'utf8')
          this.emitFile({ type: 'asset', fileName: 'index.d.cts', source })
        },
      },
    ],
  },
])

/** Nobody can import other types than those that the index leads to. */
const reached = new Set()
reach(join('dist', 'index.d.ts'))
for (const name of readdirSync('dist', { recursive: true })) {
  const path = join('dist', name)
  if (path.endsWith('.d.ts') && !reached.has(path)) rmSync(path)
}

function reach(path) {
  if (reached.has(path)) return
  reached.add(path)
  const imports = readFileSync(path, 'utf8').matchAll(/(?:\bfrom|\bimport\()\s*['"](\.[^'"]+)\.ts['"]/g)
  for (const [, imported] of imports) reach(join(dirname(path), `${imported}.d.ts`))
}
