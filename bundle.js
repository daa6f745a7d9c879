import { readFileSync } from 'node:fs'
import { build } from 'rolldown'

/** Packages and Node's own modules stay imports. */
const external = /^[^./]/

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
      codeSplitting: { groups: [{ name: 'broker', test: /[\\/]src[\\/]cli[\\/]start\.js$/ }] },
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
