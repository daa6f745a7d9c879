import { spawn } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchBroker } from './broker-process.ts'
import type { Bench } from './rows.ts'
import { generate } from './rows.ts'

const PARTITIONS = 4
const RECORD_BYTES = 1024
/** A recovery of many gigabytes on a slow disk. */
const PATIENCE_MS = 600_000
const RECOVERY_POINTS = 'recovery-point-offset-checkpoint'

/**
 * How fast a broker that was killed is back, beside how fast the same files can be read: from the device, and from the page cache. What was
 * flushed before the kill is not looked at by either broker, so the file that says so is taken away: all of the log is recovered.
 */
export async function recovery({ options, brokers, add }: Bench): Promise<void> {
  for (const broker of brokers.filter(({ isOurs }) => isOurs)) {
    await broker.start()
    await write(broker, options.logBytes, options.batchBytes)
    await broker.kill()
    for (let round = 0; round < options.rounds; round++) {
      for (const isCold of (await evict(logsBelow(broker.folder))) ? [true, false] : [false]) {
        const where = isCold ? 'from the device' : 'from the page cache'
        const files = logsBelow(broker.folder)
        const megabytes = files.reduce((sum, file) => sum + statSync(file).size, 0) / 1e6
        if (isCold) await evict(files)
        const reading = megabytes / (await seconds(() => run('cat', files)))
        if (isCold) await evict(files)
        removeRecoveryPoints(broker.folder)
        const recovering = megabytes / ((await broker.start(PATIENCE_MS)) / 1000)
        await broker.kill()
        const { name } = broker
        add({ row: `cat of the log, ${where}`, broker: name, value: reading, unit: 'MB/s' })
        const note = `${megabytes.toFixed(0)} MB, ${((100 * recovering) / reading).toFixed(0)} % of cat`
        add({ row: `recovery after kill -9, ${where}`, broker: name, value: recovering, unit: 'MB/s', note })
      }
    }
  }
}

async function write(broker: BenchBroker, totalBytes: number, batchBytes: number): Promise<void> {
  await generate('produce', {
    kind: 'produce',
    broker: broker.target,
    topic: 'recovery',
    workload: {
      recordBytes: RECORD_BYTES,
      partitions: PARTITIONS,
      codec: 'none',
      batchBytes,
      totalBytes,
      timestampMs: Date.now(),
    },
    requestsInFlight: 4,
  })
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
}

function logsBelow(folder: string): string[] {
  return filesBelow(folder).filter((path) => /-\d+\/\d{20}\.log$/.test(path) && statSync(path).size > 0)
}

function removeRecoveryPoints(folder: string): void {
  for (const path of filesBelow(folder)) if (path.endsWith(RECOVERY_POINTS) && existsSync(path)) rmSync(path)
}

/** Takes files out of the page cache; false where that cannot be done (only GNU dd on Linux can). */
async function evict(files: readonly string[]): Promise<boolean> {
  try {
    await run('sync', files)
    for (const file of files) await run('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none'])
    return true
  } catch {
    return false
  }
}

function run(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'ignore' })
    child.once('error', reject)
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}`)),
    )
  })
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now()
  await work()
  return (performance.now() - startedMs) / 1000
}
