import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { ApiVersions } from '../../src/protocol/generated/api-versions.ts'
import { FrameClient } from './frame-client.ts'
import type { Target } from './jobs.ts'
import type { BrokerSpec } from './options.ts'

const START_PATIENCE_MS = 60_000
/** Thousands of logs are flushed one by one. */
const STOP_PATIENCE_MS = 120_000

/** A broker that takes part, with the process that runs it unless it runs elsewhere. */
export class BenchBroker {
  readonly name: string
  /** Undefined for a broker that runs already. */
  readonly #command: string | undefined
  /** Where its data is, unless it runs elsewhere. */
  readonly folder: string
  #target: Target
  #process: ChildProcess | undefined

  private constructor(spec: BrokerSpec, folder: string, port: number) {
    this.name = spec.name
    this.folder = folder
    this.#command = 'command' in spec ? spec.command : undefined
    this.#target = 'command' in spec ? { host: '127.0.0.1', port, pid: undefined } : spec
  }

  static async create(spec: BrokerSpec, folder: string): Promise<BenchBroker> {
    mkdirSync(folder, { recursive: true })
    return new BenchBroker(spec, folder, 'command' in spec ? await freePort() : spec.port)
  }

  get target(): Target {
    return this.#target
  }

  /** Can be started and stopped by us. */
  get isOurs(): boolean {
    return this.#command !== undefined
  }

  /** Starts it unless it runs; milliseconds from the start of the process to its first answer to ApiVersions. */
  async start(patienceMs = START_PATIENCE_MS): Promise<number> {
    if (this.#command === undefined || this.#process) return 0
    const { host, port } = this.#target
    const [program = '', ...args] = words(this.#command).map((word) =>
      word.replaceAll('{port}', String(port)).replaceAll('{dir}', join(this.folder, 'data')),
    )
    const log = openSync(join(this.folder, 'broker.log'), 'a')
    const startedMs = performance.now()
    const child = spawn(program, args, { stdio: ['ignore', log, log] })
    closeSync(log)
    let failure: string | undefined
    child.once('error', (error) => {
      failure = error.message
    })
    child.once('exit', (code, signal) => {
      failure ??= `ended with ${signal ?? code}`
    })
    this.#process = child
    this.#target = { host, port, pid: child.pid }
    while (!(await answers(host, port))) {
      if (failure === undefined && performance.now() - startedMs > patienceMs) {
        await this.stop()
        failure = 'no answer in time'
      }
      if (failure !== undefined) {
        this.#process = undefined
        throw new Error(`${this.name} did not start: ${failure}; see ${join(this.folder, 'broker.log')}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    return performance.now() - startedMs
  }

  /** Milliseconds from SIGTERM to the end of the process. */
  stop(): Promise<number> {
    return this.#end('SIGTERM')
  }

  /** SIGKILL: it gets no chance to write anything more. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async #end(signal: NodeJS.Signals): Promise<number> {
    const child = this.#process
    if (!child) return 0
    this.#process = undefined
    const startedMs = performance.now()
    if (child.exitCode !== null || child.signalCode !== null) return 0
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS)
      child.once('exit', () => {
        clearTimeout(timer)
        resolve()
      })
      child.kill(signal)
    })
    return performance.now() - startedMs
  }
}

async function answers(host: string, port: number): Promise<boolean> {
  let client: FrameClient | undefined
  try {
    client = await FrameClient.open(host, port)
    await client.request(ApiVersions, 0, { clientSoftwareName: '', clientSoftwareVersion: '' })
    return true
  } catch {
    return false
  } finally {
    client?.close()
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** Splits a command at spaces; quotes keep words together. */
export function words(command: string): string[] {
  return Array.from(command.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g), ([word]) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, (_, double, single) => double ?? single),
  )
}
