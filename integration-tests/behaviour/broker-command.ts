import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunningBroker } from './run.ts'

const STOP_TIMEOUT_MS = 4000

/**
 * Starts brokers by a command line with `{port}`, `{dir}` (an empty folder, deleted afterwards) and `{settings}`, each setting in the given format.
 * Words are split at spaces; quotes hold one together.
 */
export function brokerCommand(
  command: string,
  settingFormat: string,
): (settings: Readonly<Record<string, string>>) => Promise<RunningBroker> {
  return async (settings) => {
    const folder = mkdtempSync(join(tmpdir(), 'behaviour-'))
    const port = await freePort()
    const settingWords = Object.entries(settings).flatMap(([name, value]) =>
      words(settingFormat).map((word) => word.replaceAll('{name}', name).replaceAll('{value}', value)),
    )
    const [program, ...args] = words(command).flatMap((word) =>
      word === '{settings}'
        ? settingWords
        : [word.replaceAll('{port}', String(port)).replaceAll('{dir}', folder)],
    )
    const outputPath = join(folder, 'output.log')
    const output = openSync(outputPath, 'w')
    const child = spawn(program!, args, { stdio: ['ignore', output, output] })
    const ended = once(child, 'exit').catch(() => {})
    return {
      address: { host: '127.0.0.1', port },
      failure: () =>
        child.exitCode === null && child.signalCode === null && child.pid !== undefined
          ? undefined
          : `${program} ended with ${child.exitCode ?? child.signalCode}: ${readFileSync(outputPath, 'utf8').slice(-2000)}`,
      stop: async () => {
        child.kill('SIGTERM')
        const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
        if (child.pid !== undefined) await ended
        clearTimeout(timer)
        rmSync(folder, { recursive: true, force: true })
      },
    }
  }
}

function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3]!)
}

/** A port whose successor is free too: brokers with a controller of their own take both. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = await portFreeAt(0)
    if (port !== undefined && port < 65_535 && (await portFreeAt(port + 1)) !== undefined) return port
  }
}

function portFreeAt(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen({ port, host: '127.0.0.1' }, () => {
      const address = server.address() as { port: number }
      server.close(() => resolve(address.port))
    })
  })
}
