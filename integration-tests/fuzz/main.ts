import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import type { FuzzWork } from './worker.ts'

const USAGE = `npm run fuzz -- [--seconds N | --frames N] [--seed S]

Takes valid messages of every API and record in every version, changes bytes of them, and decodes what comes out. Each must be refused
with the one typed error that names a byte and a field, or be a message that encodes and decodes to itself again. A crash, a decoder that
does not come back, another error, a value that takes far more memory than its bytes, or a round trip that differs fails the run.
The same seed tries the same frames.

  --seconds N   how long (60)
  --frames N    how many frames, instead of a time
  --seed S      where chance begins (1)

Exit codes: 0 nothing was found, 1 something was, 2 the command line is wrong.
`

const HANG_MS = 10_000
const PROGRESS_MS = 10_000
const MAX_FAULTS = 20
const SHARED_BYTES = 12 + 2 * 8192 + 200

interface FromWorker {
  readonly fault?: string
  readonly messages?: number
  readonly samples?: number
}

function readOptions(args: readonly string[]): { seconds: number; frames: number; seed: number } | undefined {
  const text = { type: 'string' } as const
  const options = { seconds: text, frames: text, seed: text, help: { type: 'boolean' } } as const
  const { values } = parseArgs({ args: [...args], options })
  if (values.help) return undefined
  const number = (name: 'seconds' | 'frames' | 'seed', otherwise: number) => {
    const value = Number(values[name] ?? otherwise)
    if (!Number.isSafeInteger(value) || value < 0)
      throw new Error(`--${name} needs a whole number, not '${values[name]}'`)
    return value
  }
  const frames = number('frames', 0)
  return { frames, seconds: frames > 0 ? 0 : number('seconds', 60), seed: number('seed', 1) }
}

async function fuzz(options: { seconds: number; frames: number; seed: number }): Promise<number> {
  const shared = new SharedArrayBuffer(SHARED_BYTES)
  const counters = new Int32Array(shared, 0, 3)
  const { seed, frames } = options
  const workerData: FuzzWork = { seed, frames, durationMs: options.seconds * 1000, shared }
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData })
  let faults = 0
  let last = 0
  const report = (text: string) => process.stdout.write(`${text}\n`)
  const failed = (text: string) => {
    faults++
    report(`failed  ${text}`)
    if (faults === MAX_FAULTS) void worker.terminate()
  }
  const hang = setInterval(() => {
    const tried = Atomics.load(counters, 0)
    if (tried === last && tried > 0) {
      failed(`no end after ${HANG_MS} ms: ${Buffer.from(shared, 12, counters[2]!).toString('latin1')}`)
      void worker.terminate()
    }
    last = tried
  }, HANG_MS)
  const progress = setInterval(() => report(`${Atomics.load(counters, 0)} frames so far`), PROGRESS_MS)
  worker.on('message', ({ fault, messages, samples }: FromWorker) => {
    if (fault !== undefined) failed(fault)
    else report(`seed ${seed}: ${samples} valid messages of ${messages} kinds`)
  })
  const ended = await new Promise<number>((resolve) => {
    worker.on('error', (error) => {
      failed(`${Buffer.from(shared, 12, counters[2]!).toString('latin1')}: ${error.stack}`)
    })
    worker.on('exit', resolve)
  })
  clearInterval(hang)
  clearInterval(progress)
  const [tried, taken] = [Atomics.load(counters, 0), Atomics.load(counters, 1)]
  report(
    `${tried} frames: ${tried - taken - faults} refused, ${taken} taken and round-tripped, ${faults} faults`,
  )
  return faults > 0 || (ended !== 0 && tried === 0) ? 1 : 0
}

async function main(): Promise<number> {
  let options: ReturnType<typeof readOptions>
  try {
    options = readOptions(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`)
    return 2
  }
  if (options !== undefined) return fuzz(options)
  process.stdout.write(USAGE)
  return 0
}

process.exitCode = await main()
