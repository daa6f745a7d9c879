import { resolve, sep } from 'node:path'
import type { CheckProgress } from '../../check/check-directory.ts'
import type { Finding } from '../../check/finding.ts'
import type { Files } from '../../platform/platform.ts'
import { command } from '../command.ts'
import { CommandError, EXIT_FAILURE, EXIT_NOT_FOUND, EXIT_OK, type Host } from '../host.ts'

const REPORT_EVERY_MS = 2000

export const check = command({
  syntax: 'check <directory>',
  describe: 'Check a data directory: every file, and all against each other',
  positionals: {
    directory: {
      type: 'string',
      demandOption: true,
      describe: 'A data directory (log.dirs), of Odradek or of Apache Kafka',
    },
  },
  options: {
    json: { type: 'boolean', default: false, describe: 'One JSON object per line' },
    quiet: { type: 'boolean', default: false, describe: 'Only problems, and no progress' },
  },
  examples: [['$0 check odradek-data', 'Checksums, offsets, indexes, checkpoints, snapshots, topic ids']],
  epilogue:
    'Nothing is written and no lock is taken. While a broker runs on it, what it is just writing is passed over.\n' +
    'Exit codes: 0 nothing is wrong, 1 something is wrong or cannot be read, 2 wrong usage, 3 no such folder.',
  async run(host, { directory, json, quiet }) {
    // Loaded here: the other commands have no use for it.
    const { checkDirectory } = await import('../../check/check-directory.ts')
    const { nodeFiles } = await import('../../platform/node-files.ts')
    const { directoryUser } = await import('../../platform/node-directory-lock.ts')
    const files = nodeFiles()
    // Node takes / on every system.
    const path = resolve(host.workingDirectory, directory).replaceAll(sep, '/')
    const names = directory === '' ? undefined : namesIn(files, path)
    if (names === undefined) throw new CommandError(`${directory}: there is no such folder`, EXIT_NOT_FOUND)
    if (isOfPartition(names)) {
      const hint = 'check the data directory that it is in'
      throw new CommandError(`${directory} is the folder of one partition: ${hint}`)
    }
    const progress = new ProgressLines(host, quiet)
    const user = directoryUser(`${path}/.lock`)
    const findings = checkDirectory(files, path, { onProgress: (each) => progress.report(each), user })
    let problems = 0
    for (;;) {
      const step = await findings.next()
      if (step.done) {
        host.out(json ? jsonSummary(step.value, problems) : summary(step.value, problems))
        return problems > 0 ? EXIT_FAILURE : EXIT_OK
      }
      const finding = step.value
      if (finding.kind === 'problem') problems++
      if (quiet && finding.kind === 'note') continue
      host.out(json ? `${JSON.stringify(finding)}\n` : line(finding))
      await host.drained()
    }
  },
})

/** Undefined when there is nothing. */
function namesIn(files: Pick<Files, 'list'>, path: string): string[] | undefined {
  try {
    return files.list(path).map(({ name }) => name)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (code === 'ENOTDIR')
      throw new CommandError(`${path} is a file, and no data directory: odradek dump shows what is in a file`)
    throw new CommandError(`${path}: ${(error as Error).message}`)
  }
}

function isOfPartition(names: readonly string[]): boolean {
  return !names.includes('meta.properties') && names.some((name) => /^\d{20}\.log$/.test(name))
}

function line({ kind, path, position, message }: Finding): string {
  const where = position === undefined ? path : `${path}, byte ${position}`
  return `${kind === 'problem' ? 'PROBLEM' : 'note'} ${where}: ${message}\n`
}

function summary({ checkedPartitions, segments, records, bytes }: CheckProgress, problems: number): string {
  const what = `${checkedPartitions} partitions, ${segments} segments, ${records} records, ${bytes} bytes`
  return `${what}: ${problems === 0 ? 'nothing is wrong' : problems === 1 ? '1 problem' : `${problems} problems`}\n`
}

function jsonSummary(
  { checkedPartitions, segments, records, bytes }: CheckProgress,
  problems: number,
): string {
  return `${JSON.stringify({ kind: 'summary', partitions: checkedPartitions, segments, records, bytes, problems })}\n`
}

/** Says on standard error how far it is, every few seconds. */
class ProgressLines {
  readonly #host: Host
  readonly #isQuiet: boolean
  #nextMs: number

  constructor(host: Host, isQuiet: boolean) {
    this.#host = host
    this.#isQuiet = isQuiet
    this.#nextMs = host.upMs() + REPORT_EVERY_MS
  }

  report({ partitions, checkedPartitions, bytes }: CheckProgress): void {
    if (this.#isQuiet || this.#host.upMs() < this.#nextMs) return
    this.#nextMs = this.#host.upMs() + REPORT_EVERY_MS
    this.#host.error(
      `Checked ${checkedPartitions} of ${partitions} partitions, ${Math.round(bytes / 1e6)} MB\n`,
    )
  }
}
