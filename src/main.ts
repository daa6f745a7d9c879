#!/usr/bin/env node
import module from 'node:module'
import type { Host } from './cli/host.ts'

// What was compiled once is read from a cache at the next start, where Node has one (22.1 and newer).
;(module as { enableCompileCache?: () => unknown }).enableCompileCache?.()

const { run } = await import('./cli/run.ts')

const { stdout, stderr } = process
/** What writing to a pipe or a terminal fails with when nobody reads there any more. */
const GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED'])
let isOutputClosed = false
const outputListeners: (() => void)[] = []

stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (!GONE.has(error.code)) throw error
  isOutputClosed = true
  for (const listener of outputListeners) listener()
})
// Without a reader of the log the broker goes on all the same.
stderr.on('error', () => {})

process.on('uncaughtException', (error) => {
  const place = error instanceof Error ? /\n\s*at (.*)/.exec(error.stack ?? '')?.[1] : undefined
  stderr.write(`odradek: ${String(error).replaceAll('\n', ' ')}${place ? ` at ${place}` : ''}\n`)
  process.exit(1)
})

const host: Host = {
  arguments: process.argv.slice(2),
  environment: process.env,
  workingDirectory: process.cwd(),
  get stdin() {
    return process.stdin
  },
  isTerminal: stdout.isTTY === true,
  isErrorTerminal: stderr.isTTY === true,
  columns: stdout.columns,
  upMs: () => performance.now(),
  out: (text) => void (isOutputClosed || stdout.write(text)),
  drained: () =>
    isOutputClosed || !stdout.writableNeedDrain
      ? Promise.resolve()
      : new Promise((resolve) => {
          stdout.once('drain', resolve)
          outputListeners.push(resolve)
        }),
  error: (text) => void stderr.write(text),
  onOutputClosed: (listener) => void outputListeners.push(listener),
  onSignal: (listener) => {
    let count = 0
    // A terminal that is closed says SIGHUP. Without one the signal is left alone, so that `nohup` does what it should.
    const signals = ['SIGINT', 'SIGTERM', ...(stdout.isTTY ? ['SIGHUP'] : [])]
    for (const signal of signals) process.on(signal, () => listener(++count))
  },
  exit: (code) => process.exit(code),
}

const exitCode = await run(host)
// A pipe takes what was written in its own time; nothing else is waited for.
if (isOutputClosed || stdout.writableLength === 0) process.exit(exitCode)
else stdout.write('', () => process.exit(exitCode))
