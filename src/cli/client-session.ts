import type { Options } from 'yargs'
import { parseAddresses } from './client/address.ts'
import { Cluster } from './client/cluster.ts'
import { CommandError, EXIT_OK, EXIT_USAGE, type Host } from './host.ts'
import { jsonLine } from './table.ts'

/** Options of every command that talks to a broker. */
export const clientOptions = {
  'bootstrap-server': {
    alias: 'b',
    type: 'string',
    default: '127.0.0.1:9092',
    describe: 'Brokers to ask first: host:port, separated by commas',
    requiresArg: true,
  },
  timeout: {
    type: 'number',
    default: 10,
    describe: 'Seconds to wait for an answer',
    requiresArg: true,
  },
  output: {
    alias: 'o',
    choices: ['table', 'json'] as const,
    describe: 'How to print; json is one object a line [default: table on a terminal, else json]',
    requiresArg: true,
  },
} as const satisfies Record<string, Options>

export interface ClientArguments {
  readonly bootstrapServer: string
  readonly timeout: number
  readonly output: 'table' | 'json' | undefined
}

/** What a command has at hand: the cluster, and where to print. */
export interface Session {
  readonly cluster: Cluster
  readonly host: Host
  readonly isTable: boolean
  /** Prints a result: what `asTable` gives for a person, `json` line by line otherwise. */
  print(json: readonly unknown[], asTable: () => string): void
}

/** Connects, runs a command, and closes. Resolves with its exit code. */
export async function withSession(
  host: Host,
  { bootstrapServer, timeout, output }: ClientArguments,
  run: (session: Session) => Promise<number | undefined>,
): Promise<number> {
  if (!(timeout > 0)) throw new CommandError('--timeout is a number of seconds above 0', EXIT_USAGE)
  const bootstrap = parseAddresses(bootstrapServer)
  const cluster = await Cluster.connect({ bootstrap, timeoutMs: timeout * 1000 })
  const isTable = output === undefined ? host.isTerminal : output === 'table'
  const print: Session['print'] = (json, asTable) => {
    if (isTable) host.out(asTable())
    else for (const value of json) host.out(jsonLine(value))
  }
  try {
    return (await run({ cluster, host, isTable, print })) ?? EXIT_OK
  } finally {
    cluster.close()
  }
}
