import yargs, { type Argv } from 'yargs'
import { api } from './api/api.ts'
import { check } from './check/check.ts'
import type { Command } from './command.ts'
import { dump } from './dump/dump.ts'
import { explain } from './explain/explain.ts'
import { groupDelete } from './group/delete.ts'
import { groupDescribe } from './group/describe.ts'
import { groupList } from './group/list.ts'
import { CommandError, EXIT_OK, EXIT_USAGE, type Host } from './host.ts'
import { startOptions, startSyntax } from './start-options.ts'
import { topicConsume } from './topic/consume.ts'
import { topicCreate } from './topic/create.ts'
import { topicDelete } from './topic/delete.ts'
import { topicDescribe } from './topic/describe.ts'
import { topicList } from './topic/list.ts'
import { topicProduce } from './topic/produce.ts'
import { trace } from './trace/trace.ts'
import { version } from './version.ts'

/** Of the help, in characters. */
const MAX_WIDTH = 110
const MIN_WIDTH = 40

const groups: readonly {
  readonly name: string
  readonly describe: string
  readonly commands: readonly AnyCommand[]
}[] = [
  {
    name: 'topic',
    describe: 'Work with topics of any Kafka broker',
    commands: [
      topicList,
      topicCreate,
      topicDescribe,
      topicDelete,
      topicProduce,
      topicConsume,
    ] as AnyCommand[],
  },
  {
    name: 'group',
    describe: 'Work with groups of any Kafka broker',
    commands: [groupList, groupDescribe, groupDelete] as AnyCommand[],
  },
]

/** Commands of one word. */
const singles: readonly AnyCommand[] = [trace, dump, check, explain, api] as AnyCommand[]

/** What yargs has checked by a command's own table; only `command()` knows the types. */
interface AnyCommand extends Omit<Command, 'run'> {
  run(host: Host, args: unknown): Promise<number>
}

/** Runs `topic ...`, `group ...`, or prints help. Resolves with the exit code; throws `CommandError`. */
export async function runCommand(host: Host): Promise<number> {
  let action: (() => Promise<number>) | undefined
  let output = ''
  const choose = (command: AnyCommand, args: unknown) => {
    action = () => command.run(host, args)
  }
  const parser = build(host, choose)
  const [first, ...rest] = host.arguments
  const args = first === 'help' ? ['--help', ...rest] : [...host.arguments]
  await parser.parseAsync(args, {}, (_error, _args, text) => {
    output = text
  })
  if (output !== '') {
    host.out(`${output}\n`)
    return EXIT_OK
  }
  if (!action) throw new CommandError('nothing to do (see odradek --help)', EXIT_USAGE)
  return action()
}

function build(host: Host, choose: (command: AnyCommand, args: unknown) => void): Argv {
  let parser = yargs()
    .scriptName('odradek')
    .locale('en')
    .wrap(Math.max(MIN_WIDTH, Math.min(MAX_WIDTH, host.columns ?? MAX_WIDTH)))
    .version(version())
    .alias('help', 'h')
    .command([startSyntax, 'start'], 'Start a broker', (start) =>
      start
        .positional('properties', { type: 'string', describe: 'A server.properties file' })
        .options(startOptions),
    )
    .epilogue('odradek COMMAND --help tells more about a command.')
  for (const { name, describe, commands } of groups) {
    parser = parser.command(name, describe, (group) => {
      for (const command of commands) declare(host, group, command, choose)
      return group.demandCommand(1, 1, `${name} needs a command: ${commands.map(nameOf).join(', ')}`)
    })
  }
  for (const command of singles) declare(host, parser, command, choose)
  return parser
    .strict()
    .recommendCommands()
    .exitProcess(false)
    .fail((message, error) => {
      // A wrong argument that yargs throws, and not a failure.
      if (error && error.name !== 'YError') throw error
      throw usageError(message ?? error.message, host.arguments)
    })
}

function declare(
  host: Host,
  group: Argv,
  command: AnyCommand,
  choose: (command: AnyCommand, args: unknown) => void,
): void {
  const { syntax, aliases = [], describe, positionals, options, examples = [], epilogue } = command
  group.command(
    [syntax, ...aliases],
    describe,
    (builder) => {
      for (const [name, positional] of Object.entries(positionals)) builder.positional(name, positional)
      for (const [example, what] of examples) builder.example(example, what)
      if (epilogue !== undefined) builder.epilogue(epilogue)
      // A command may have a use of its own for the word.
      if ('version' in options) builder.version(false)
      return builder.options(options)
    },
    (args) => {
      const twice = Object.entries(options).find(
        ([name, { type, array }]) => type !== 'array' && !array && Array.isArray(args[name]),
      )
      if (twice) throw usageError(`--${twice[0]} is given more than once`, host.arguments)
      choose(command, args)
    },
  )
}

/** What yargs complains about, in one line that ends with where to read on. */
function usageError(message: string, [first, second]: readonly string[]): CommandError {
  const group = groups.find(({ name }) => name === first)
  const isNamed = (name: string | undefined) => (each: AnyCommand) =>
    nameOf(each) === name || each.aliases?.includes(name ?? '')
  const command = group ? group.commands.find(isNamed(second)) : singles.find(isNamed(first))
  const words = ['odradek', ...(group ? [group.name] : []), ...(command ? [nameOf(command)] : [])].join(' ')
  const isIncomplete = command && message.startsWith('Not enough non-option arguments')
  const what = isIncomplete
    ? `${words.replace('odradek ', '')} lacks its ${command.syntax.split(' ')[1]}`
    : message
        .replace(/^Not enough arguments following: (.)(.*)/, (_, first, rest) =>
          rest === '' ? `-${first} needs a value` : `--${first}${rest} needs a value`,
        )
        .replaceAll(/\s*\n\s*/g, ' ')
        .trim()
  return new CommandError(`${what} (see ${words} --help)`, EXIT_USAGE)
}

const nameOf = ({ syntax }: AnyCommand) => syntax.split(' ')[0]
