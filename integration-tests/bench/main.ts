import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BenchBroker } from './broker-process.ts'
import { codecBench } from './codec/codec-bench.ts'
import { type BenchOptions, readOptions, USAGE, UsageError } from './options.ts'
import { type Measurement, markdownTable, rowsOf } from './report.ts'
import { rowGroups } from './rows.ts'

async function main(args: readonly string[]): Promise<number> {
  let options: BenchOptions | undefined
  try {
    options = readOptions(args)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`${error.message}\n\n${USAGE}`)
    return 2
  }
  if (!options) {
    process.stdout.write(USAGE)
    return 0
  }
  const folder = mkdtempSync(join(tmpdir(), 'odradek-bench-'))
  const brokers: BenchBroker[] = []
  const measurements: Measurement[] = []
  const failures: string[] = []
  const add = (measurement: Measurement) => {
    measurements.push(measurement)
    const { row, broker, value, unit, note } = measurement
    process.stderr.write(
      `${broker}: ${row}: ${value.toFixed(2)} ${unit}${note === undefined ? '' : ` (${note})`}\n`,
    )
  }
  try {
    for (const spec of options.brokers) brokers.push(await BenchBroker.create(spec, join(folder, spec.name)))
    for (const group of options.groups) {
      try {
        await rowGroups[group]({ options, brokers, add })
      } catch (error) {
        // A failed check is told, never shown as a figure; the other rows go on.
        failures.push(`${group}: ${(error as Error).message}`)
        process.stderr.write(`${failures.at(-1)}\n`)
      }
    }
  } finally {
    await Promise.all(brokers.map((broker) => broker.stop()))
    if (failures.length === 0) rmSync(folder, { recursive: true, force: true })
  }
  print(options, measurements, failures)
  return failures.length === 0 ? 0 : 1
}

function print(
  options: BenchOptions,
  measurements: readonly Measurement[],
  failures: readonly string[],
): void {
  const rows = rowsOf(measurements)
  if (options.isJson) {
    const figures = rows.map(({ row, unit, figures }) => ({
      row,
      unit,
      brokers: Object.fromEntries(figures),
    }))
    process.stdout.write(`${JSON.stringify({ rows: figures, failures }, null, 2)}\n`)
    return
  }
  const names = options.brokers.map(({ name }) => name)
  process.stdout.write(`\n${markdownTable(rows, names)}\n`)
  if (names.length > 1) process.stdout.write(`\nRatios above 1: ${names[0]} is ahead.\n`)
  for (const failure of failures) process.stdout.write(`\nfailed: ${failure}\n`)
}

const [first, ...rest] = process.argv.slice(2)
process.exitCode = first === 'codec' ? await codecBench(rest) : await main(process.argv.slice(2))
