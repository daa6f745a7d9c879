import { defineConfig } from 'rolldown'

/**
 * Joins what `tsc` wrote into few files: Node spends about 0.7 ms on each module that it loads, and a start needs 130 of them. Handlers,
 * commands and texts that a start does not need stay in files of their own, as they are imported when they are used.
 */
export default defineConfig({
  input: { main: './.build/src/main.js', index: './.build/src/index.js' },
  platform: 'node',
  external: /^[^./]/,
  output: { dir: 'dist', chunkFileNames: 'chunks/[name].js' },
})
