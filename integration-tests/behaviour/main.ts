import { parseArgs } from 'node:util'
import { brokerCommand } from './broker-command.ts'
import { parseAddress } from './broker-under-test.ts'
import { startInProcess } from './in-process-broker.ts'
import { groupBy, type RunningBroker, type RunOptions, runFiles, type ScenarioResult } from './run.ts'
import { loadScenarios } from './scenario.ts'

const USAGE = `npm run behaviour -- [options] FILE...

Replays scenarios of requests and compares the answers with the recorded ones of Apache Kafka.

  --bootstrap HOST:PORT  a broker that runs already
  --start COMMAND        a fresh broker per set of settings; {port}, {dir} and {settings} are filled in
                         without both, Odradek itself: in this process, in memory, one per set of settings
  --setting-format TEXT  one setting in COMMAND ('--override {name}={value}')
  --only TEXT            only scenarios whose name contains TEXT (may be repeated)
  --kafka4               also refusals that only a broker without old versions makes
  --patience SECONDS     longest wait for an answer or an awaited state (15)
  --all                  every differing field of a step, not only the first
  --table                counts per area
  --slow SECONDS         name scenarios that take longer
  --quiet                only the sums
`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      bootstrap: { type: 'string' },
      start: { type: 'string' },
      'setting-format': { type: 'string', default: '--override {name}={value}' },
      only: { type: 'string', multiple: true },
      kafka4: { type: 'boolean', default: false },
      patience: { type: 'string', default: '15' },
      all: { type: 'boolean', default: false },
      table: { type: 'boolean', default: false },
      slow: { type: 'string' },
      quiet: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help || positionals.length === 0) {
    process.stdout.write(USAGE)
    return values.help ? 0 : 2
  }
  const results = await runFiles(positionals.map(loadScenarios), {
    start: brokersOf(values.bootstrap, values.start, values['setting-format']),
    isKafka4: values.kafka4,
    patienceMs: Number(values.patience) * 1000,
    showAll: values.all,
    ...(values.only ? { only: values.only } : {}),
    onResult: (result) => {
      if (!values.quiet && result.status === 'failed') print(...result.lines)
      const slowMs = Number(values.slow ?? Number.POSITIVE_INFINITY) * 1000
      if (result.durationMs > slowMs) print(`slow ${(result.durationMs / 1000).toFixed(1)} s ${result.name}`)
    },
  })
  printSums(results, values.table)
  return results.some(({ status }) => status === 'failed') ? 1 : 0
}

const print = (...lines: string[]) => process.stdout.write(`${lines.join('\n')}\n`)

function brokersOf(
  bootstrap: string | undefined,
  command: string | undefined,
  settingFormat: string,
): RunOptions['start'] {
  if (command !== undefined) return brokerCommand(command, settingFormat)
  if (bootstrap === undefined) return startInProcess
  const running: RunningBroker = { address: parseAddress(bootstrap), stop: () => Promise.resolve() }
  return () => Promise.resolve(running)
}

function printSums(results: readonly ScenarioResult[], isTable: boolean): void {
  const count = (status: ScenarioResult['status'], among = results) =>
    among.filter((result) => result.status === status).length
  if (isTable) {
    print(`${'area'.padEnd(40)}${'passed'.padStart(8)}${'failed'.padStart(8)}${'skipped'.padStart(9)}`)
    for (const [area, of] of [...groupBy(results, (result) => result.area)].sort()) {
      const columns = [count('passed', of), count('failed', of), count('skipped', of)]
      print(area.padEnd(40) + columns.map((n, i) => String(n).padStart(i === 2 ? 9 : 8)).join(''))
    }
  }
  const skipped = results.filter(({ status }) => status === 'skipped')
  const reasons = groupBy(skipped, ({ lines }) => lines[0]!)
  for (const [reason, of] of [...reasons].sort()) print(`skipped: ${reason} (${of.length})`)
  print(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`)
}

process.exitCode = await main()
