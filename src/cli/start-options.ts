import parse from 'yargs-parser'
import { CommandError, EXIT_USAGE } from './host.ts'

/** How a broker is started, in the words of yargs: `$0` is the name of the program. */
export const startSyntax = '$0 [properties]'

/** Options of `odradek` itself. The same table feeds the quick parser of a start and the help that yargs prints. */
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
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  readonly logFormat: 'pretty' | 'json' | undefined
}

const NAMES = new Set(Object.keys(startOptions))

/**
 * Reads the arguments of a start with yargs' own parser alone: loading all of yargs would cost half of the start.
 * Throws `CommandError` for what it does not understand.
 */
export function parseStartArguments(args: readonly string[]): StartArguments {
  const parsed = parse([...args], {
    string: ['host', 'data', 'topics', 'log-level', 'log-format', 'port', 'override'],
    boolean: ['memory'],
    array: ['override'],
    configuration: {
      'camel-case-expansion': false,
      'greedy-arrays': false,
      'dot-notation': false,
      'boolean-negation': false,
      'parse-positional-numbers': false,
    },
  })
  for (const name of Object.keys(parsed)) {
    if (name !== '_' && !NAMES.has(name)) throw usage(`unknown option ${name.length > 1 ? '--' : '-'}${name}`)
  }
  const positional = parsed._.map(String)
  if (positional.length > 1) throw usage(`one server.properties file at most, not also "${positional[1]}"`)
  if (parsed.memory === true && parsed.data !== undefined)
    throw usage('--memory keeps nothing, so there is no --data')
  const single = (name: string): string | undefined => {
    const value: unknown = parsed[name]
    if (value === undefined) return undefined
    if (typeof value !== 'string') throw usage(`--${name} is given more than once`)
    if (value === '') throw usage(`--${name} needs a value`)
    return value
  }
  const choice = <Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined => {
    const value = single(name)
    const found = choices.find((each) => each === value)
    if (value !== undefined && found === undefined)
      throw usage(`--${name} is one of ${choices.join(', ')}, not "${value}"`)
    return found
  }
  return {
    propertiesFile: positional[0],
    overrides: (parsed.override as string[] | undefined) ?? [],
    port: portNumber(single('port')),
    host: single('host'),
    data: single('data'),
    isMemory: parsed.memory === true,
    topics: topicList(single('topics')),
    logLevel: choice('log-level', startOptions['log-level'].choices) ?? 'warn',
    logFormat: choice('log-format', startOptions['log-format'].choices),
  }
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
