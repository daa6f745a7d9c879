import { parseArgs } from 'node:util'
import { CommandError, EXIT_USAGE } from './host.ts'

/** How a broker is started, in the words of yargs: `$0` is the name of the program. */
export const startSyntax = '$0 [properties]'

/** Options of `odradek` itself. The same table feeds the parser of a start and the help that yargs prints. */
export const startOptions = {
  override: {
    type: 'array',
    string: true,
    describe:
      'A property that wins over the file and the environment: --override name=value, as kafka-server-start.sh',
    requiresArg: true,
  },
  port: {
    type: 'number',
    describe: 'Port to listen on; 0 takes a free one [default: 9092]',
    requiresArg: true,
  },
  host: { type: 'string', describe: 'Host to bind [default: 127.0.0.1]', requiresArg: true },
  data: { type: 'string', describe: 'Folder of the log files [default: ./.odradek]', requiresArg: true },
  memory: { type: 'boolean', describe: 'Keep nothing: all logs live in memory' },
  topics: {
    type: 'string',
    describe: 'Topics to create at start: name or name:partitions, separated by commas',
    requiresArg: true,
  },
  emulate: {
    type: 'string',
    describe:
      'Pass for this release of Apache Kafka, 0.8.2 to 4.3: advertise and serve just its API versions, as far as they are served here (up to 3.0 those of a broker with ZooKeeper, from 3.3 on with KRaft)',
    requiresArg: true,
  },
  trace: {
    type: 'boolean',
    describe: 'Print a line for each request (odradek trace shows more, and starts later)',
  },
  'log-level': {
    type: 'string',
    choices: ['trace', 'debug', 'info', 'warn', 'error'],
    describe: 'What to log to standard error [default: warn]',
    requiresArg: true,
  },
  'log-format': {
    type: 'string',
    choices: ['pretty', 'json'],
    describe: 'How log lines look [default: pretty on a terminal, else json]',
    requiresArg: true,
  },
} as const

export interface StartArguments {
  readonly propertiesFile: string | undefined
  readonly overrides: readonly string[]
  readonly port: number | undefined
  readonly host: string | undefined
  readonly data: string | undefined
  readonly isMemory: boolean
  readonly topics: readonly { name: string; partitions: number | undefined }[]
  readonly emulate: string | undefined
  readonly isTraced: boolean
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  readonly logFormat: 'pretty' | 'json' | undefined
}

/**
 * Reads the arguments of a start with Node's own parser: loading yargs, or its parser alone, would be a good part of a start.
 * Throws `CommandError` for what it does not understand.
 */
export function parseStartArguments(args: readonly string[]): StartArguments {
  const { values, positionals } = split(args[0] === 'start' ? args.slice(1) : args)
  if (positionals.length > 1 && isWord(positionals[0]!)) throw unknownCommand(positionals[0]!)
  if (positionals.length > 1) throw usage(`one server.properties file at most, not also "${positionals[1]}"`)
  const single = (name: OptionName): string | undefined => {
    const [value, ...more] = values.get(name) ?? []
    if (more.length > 0) throw usage(`--${name} is given more than once`)
    return value
  }
  const choice = <Choice extends string>(
    name: OptionName,
    choices: readonly Choice[],
  ): Choice | undefined => {
    const value = single(name)
    const found = choices.find((each) => each === value)
    if (value !== undefined && found === undefined)
      throw usage(`--${name} is one of ${choices.join(', ')}, not "${value}"`)
    return found
  }
  const isMemory = values.has('memory')
  if (isMemory && values.has('data')) throw usage('--memory keeps nothing, so there is no --data')
  return {
    propertiesFile: positionals[0],
    overrides: values.get('override') ?? [],
    port: portNumber(single('port')),
    host: single('host'),
    data: single('data'),
    isMemory,
    topics: topicList(single('topics')),
    emulate: single('emulate'),
    isTraced: values.has('trace'),
    logLevel: choice('log-level', startOptions['log-level'].choices) ?? 'warn',
    logFormat: choice('log-format', startOptions['log-format'].choices),
  }
}

/** A word that names no file most likely means a command. */
export function isWord(text: string): boolean {
  return !/[./\\]/.test(text)
}

const COMMANDS: readonly string[] = ['topic', 'group', 'trace', 'dump', 'check', 'explain', 'api']

/** For a word that is neither a command nor a file. */
export function unknownCommand(word: string): CommandError {
  if (COMMANDS.includes(word)) return usage(`the command ${word} has to come first, before any option`)
  const near = COMMANDS.find((name) => name.slice(0, 2) === word.slice(0, 2))
  const hint = near ? `did you mean ${near}?` : `there are ${COMMANDS.join(', ')}`
  return usage(`unknown command ${word}, and no such file: ${hint}`)
}

type OptionName = keyof typeof startOptions

/** Takes the arguments apart: the values of each option as they were given, and what is no option. */
function split(args: readonly string[]): { values: Map<OptionName, string[]>; positionals: string[] } {
  const options = Object.fromEntries(
    Object.keys(startOptions).map((name) => [
      name,
      { type: isFlag(name) ? ('boolean' as const) : ('string' as const) },
    ]),
  )
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  const values = new Map<OptionName, string[]>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { rawName, value } = token
    if (!isOption(token.name)) throw usage(`unknown option ${rawName}`)
    if (isFlag(token.name) && value !== undefined) throw usage(`${rawName} takes no value`)
    if (!isFlag(token.name) && !value) throw usage(`${rawName} needs a value`)
    values.set(token.name, [...(values.get(token.name) ?? []), value ?? ''])
  }
  return { values, positionals }
}

function isFlag(name: string): boolean {
  return isOption(name) && startOptions[name].type === 'boolean'
}

function isOption(name: string): name is OptionName {
  return Object.hasOwn(startOptions, name)
}

function portNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535) throw usage(`--port is a number from 0 to 65535, not "${text}"`)
  return port
}

function topicList(text: string | undefined): StartArguments['topics'] {
  if (text === undefined) return []
  return text.split(',').map((entry) => {
    const [name = '', count, ...rest] = entry.trim().split(':')
    const partitions = count === undefined ? undefined : Number(count)
    const isCount = count === undefined || (/^\d+$/.test(count) && Number(count) > 0)
    if (!name || rest.length > 0 || !isCount) {
      throw usage(`--topics takes names or name:partitions, separated by commas, not "${entry}"`)
    }
    return { name, partitions }
  })
}

function usage(message: string): CommandError {
  return new CommandError(`${message} (see odradek --help)`, EXIT_USAGE)
}
