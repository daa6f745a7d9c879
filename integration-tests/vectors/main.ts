import { runVectors, type Totals } from './run-vectors.ts'

const paths = process.argv.slice(2)
if (paths.length === 0) {
  process.stderr.write('Usage: npm run wire-vectors -- FILE...   (.jsonl or .jsonl.gz)\n')
  process.exitCode = 1
} else {
  try {
    report(await runVectors(paths))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}

function report(totals: Totals): void {
  const lines = [
    ...totals.failures.map((failure) => `failed  ${failure}`),
    ...[...totals.skippedNames].sort().map(([name, count]) => `skipped ${name}: ${count}`),
    `${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  if (totals.failed > 0) process.exitCode = 1
}
