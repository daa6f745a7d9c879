import { resolve, sep } from 'node:path'
import type { PartitionChoice } from '../../dump/dump-path.ts'
import type { DumpItem, DumpOptions, OffsetRange } from '../../dump/item.ts'
import { command } from '../command.ts'
import { CommandError, EXIT_FAILURE, EXIT_NOT_FOUND, EXIT_OK, EXIT_USAGE, type Host } from '../host.ts'
import { ItemText, toJson } from './item-text.ts'

/** Text is handed over in pieces of about this length. */
const PIECE_LENGTH = 64 * 1024
const LARGEST_OFFSET = 2n ** 63n - 1n

/** Options of kafka-dump-log that say whose records they are, where the folder does not. */
const decoders = {
  'offsets-decoder': '__consumer_offsets',
  'transaction-log-decoder': '__transaction_state',
  'share-group-state-decoder': '__share_group_state',
  'cluster-metadata-decoder': '__cluster_metadata',
  'remote-log-metadata-decoder': '__remote_log_metadata',
} as const

export const dump = command({
  syntax: 'dump <paths..>',
  describe: 'Show what the files of a data directory hold, also while a broker runs on it',
  positionals: {
    paths: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'Files, folders of partitions, or data directories (log.dirs)',
    },
  },
  options: {
    topic: { type: 'string', requiresArg: true, describe: 'Of a data directory, all files of this topic' },
    partition: { type: 'number', requiresArg: true, describe: 'Of the topic, only this partition' },
    offset: { type: 'string', requiresArg: true, describe: 'Only what has these offsets: 42, 42-99, or 42-' },
    limit: { type: 'number', requiresArg: true, describe: 'Stop after so many batches, records or entries' },
    records: {
      type: 'boolean',
      alias: 'print-data-log',
      default: false,
      describe: 'Records with keys and values; those of internal topics are decoded',
    },
    'deep-iteration': { type: 'boolean', default: false, describe: 'Records without keys and values' },
    'skip-record-metadata': {
      type: 'boolean',
      default: false,
      describe: 'Of records only keys and values, and no control records',
    },
    'max-bytes': { type: 'number', requiresArg: true, describe: 'Of each segment, only so many bytes' },
    'verify-index-only': {
      type: 'boolean',
      alias: 'index-sanity-check',
      default: false,
      describe: 'Check indexes and snapshots without printing their entries',
    },
    'offsets-decoder': {
      type: 'boolean',
      default: false,
      describe: 'Decode as records of __consumer_offsets',
    },
    'transaction-log-decoder': {
      type: 'boolean',
      default: false,
      describe: 'Decode as records of __transaction_state',
    },
    'share-group-state-decoder': {
      type: 'boolean',
      default: false,
      describe: 'Decode as records of __share_group_state',
    },
    'cluster-metadata-decoder': {
      type: 'boolean',
      default: false,
      describe: 'Decode as records of __cluster_metadata',
    },
    'remote-log-metadata-decoder': {
      type: 'boolean',
      default: false,
      describe: 'Decode as records of __remote_log_metadata',
    },
    json: { type: 'boolean', default: false, describe: 'One JSON object per line' },
  },
  examples: [
    ['$0 dump odradek-data', 'A line for each partition, and what is wrong'],
    ['$0 dump odradek-data --topic orders --offset 42 --records', 'The record with offset 42'],
    ['$0 dump odradek-data/orders-0/*.timeindex', 'Entries, compared with the log'],
    ['$0 dump odradek-data --topic __consumer_offsets --records', 'Groups and their offsets'],
  ],
  epilogue:
    'A data directory is summed up unless --topic is given. Nothing is written and no lock is taken.\n' +
    'Exit codes: 0 all is well, 1 something is wrong in a file or cannot be read, 2 wrong usage, 3 no such file, folder or topic.',
  async run(host, args) {
    const topic = decoderTopic(args)
    const options: DumpOptions = {
      records: args.records || args['deep-iteration'] || topic !== undefined,
      data: args.records || topic !== undefined,
      decompress: true,
      entries: !args['verify-index-only'],
      offsets: args.offset === undefined ? undefined : parseOffsets(args.offset),
      maxBytes: wholeNumber(args['max-bytes'], 'max-bytes', 1) ?? Number.POSITIVE_INFINITY,
      topic,
      catalog: await lazyCatalog(),
    }
    const limit = wholeNumber(args.limit, 'limit', 1) ?? Number.POSITIVE_INFINITY
    const printer = new Printer(host, args.json, args['skip-record-metadata'])
    const choice = choiceOf(args)
    return printAll(host, args.paths, choice, options, limit, printer)
  },
})

async function printAll(
  host: Host,
  paths: readonly string[],
  choice: PartitionChoice | undefined,
  options: DumpOptions,
  limit: number,
  printer: Printer,
): Promise<number> {
  // Loaded here: the other commands have no use for it.
  const { dumpPath, hasChosen } = await import('../../dump/dump-path.ts')
  const { nodeFiles } = await import('../../platform/node-files.ts')
  const files = nodeFiles()
  const counted = options.records ? 'record' : 'batch'
  let left = limit
  let exitCode = EXIT_OK
  for (const path of paths) {
    // Node takes / on every system.
    const at = resolve(host.workingDirectory, path).replaceAll(sep, '/')
    if (!files.exists(at)) throw new CommandError(`${path}: there is no such file or folder`, EXIT_NOT_FOUND)
    if (choice !== undefined && !hasChosen(files, at, choice)) {
      const name = choice.partition === undefined ? choice.topic : `${choice.topic}-${choice.partition}`
      throw new CommandError(
        `${path}: there is no folder of ${name}: no such topic, or nothing has been written to it yet`,
        EXIT_NOT_FOUND,
      )
    }
    for await (const item of dumpPath(files, at, choice, options)) {
      if (item.type === 'problem') exitCode = EXIT_FAILURE
      await printer.print(item)
      if (item.type === counted || item.type === 'entry') left--
      if (left <= 0) {
        await printer.end()
        return exitCode
      }
    }
  }
  await printer.end()
  return exitCode
}

/** Prints items without holding more of them in memory than the reader of the output has not taken. */
class Printer {
  readonly #host: Host
  readonly #format: (item: DumpItem) => string
  readonly #rest: () => string
  #text = ''

  constructor(host: Host, isJson: boolean, skipRecordMetadata: boolean) {
    this.#host = host
    const text = new ItemText({ skipRecordMetadata })
    this.#format = isJson
      ? ({ type, fields }) => `${JSON.stringify({ item: type, ...(toJson(fields) as object) })}\n`
      : (item) => text.format(item)
    this.#rest = () => (isJson ? '' : text.end())
  }

  async print(item: DumpItem): Promise<void> {
    this.#text += this.#format(item)
    if (this.#text.length < PIECE_LENGTH) return
    await this.#flush()
  }

  async end(): Promise<void> {
    this.#text += this.#rest()
    await this.#flush()
  }

  async #flush(): Promise<void> {
    this.#host.out(this.#text)
    this.#text = ''
    await this.#host.drained()
  }
}

/** Reads the specs when the first record is decoded, and once. */
async function lazyCatalog(): Promise<DumpOptions['catalog']> {
  const { loadCatalog } = await import('../spec-catalog.ts')
  let catalog: ReturnType<typeof loadCatalog> | undefined
  return () => {
    catalog ??= loadCatalog()
    return catalog
  }
}

function decoderTopic(args: Readonly<Record<keyof typeof decoders, boolean>>): string | undefined {
  const names = (Object.keys(decoders) as (keyof typeof decoders)[]).filter((name) => args[name])
  if (names.length > 1) throw new CommandError(`--${names.join(' and --')} exclude each other`, EXIT_USAGE)
  return names[0] === undefined ? undefined : decoders[names[0]]
}

function choiceOf(args: {
  topic?: string | undefined
  partition?: number | undefined
}): PartitionChoice | undefined {
  const partition = wholeNumber(args.partition, 'partition', 0)
  if (args.topic !== undefined) return { topic: args.topic, partition }
  if (partition !== undefined) throw new CommandError('--partition needs --topic', EXIT_USAGE)
  return undefined
}

function wholeNumber(value: number | undefined, name: string, least: number): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return value
  throw new CommandError(`--${name} is a whole number from ${least} on`, EXIT_USAGE)
}

function parseOffsets(text: string): OffsetRange {
  const [, from, dash, to] = /^(\d{1,19})(-)?(\d{1,19})?$/.exec(text) ?? []
  if (from === undefined || (dash === undefined && to !== undefined))
    throw new CommandError(`--offset ${text} is none of 42, 42-99 and 42-`, EXIT_USAGE)
  const range = {
    from: BigInt(from),
    to: to !== undefined ? BigInt(to) : dash === undefined ? BigInt(from) : LARGEST_OFFSET,
  }
  if (range.to < range.from) throw new CommandError(`--offset ${text} ends before it begins`, EXIT_USAGE)
  return range
}
