import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { BrokerConfig } from '../config/broker-config.ts'
import { readEnvironment } from '../config/environment.ts'
import { splitList } from '../config/parse-value.ts'
import { parseProperties } from '../config/properties-file.ts'
import { CommandError, EXIT_USAGE, type Host } from './host.ts'
import { isWord, type StartArguments, unknownCommand } from './start-options.ts'

const DEFAULT_HOST = '127.0.0.1'
const DEFAULT_PORT = 9092
const DEFAULT_DATA = '.odradek'
/** Where the logs lie in memory. */
const MEMORY_DATA = '/odradek'

/** What a broker is started with. */
export interface StartConfig {
  readonly config: BrokerConfig
  /** Of a new data directory. */
  readonly clusterId: string | undefined
  /** Absolute; undefined: in memory. */
  readonly data: string | undefined
  /** Nobody has said where the logs shall be. */
  readonly isDefaultData: boolean
}

/**
 * Puts the properties together, each source over the one before: Kafka's defaults, the file, KAFKA_ variables, --override, the options.
 * Throws `CommandError` and `ConfigError`.
 */
export function startConfig(args: StartArguments, host: Host): StartConfig {
  const { properties: fromEnvironment, variables, clusterId } = readEnvironment(host.environment)
  const properties = new Map([
    ...readPropertiesFile(args.propertiesFile, host.workingDirectory),
    ...fromEnvironment,
    ...parseOverrides(args.overrides),
  ])
  const isDefaultData = args.data === undefined && !properties.has('log.dirs') && !properties.has('log.dir')
  properties.set('listeners', listeners(args, properties))
  properties.set('log.dirs', dataFolders(args, properties, host.workingDirectory))
  const config = BrokerConfig.fromProperties(properties, variables)
  const data = args.isMemory ? undefined : properties.get('log.dirs')
  return { config, clusterId, data, isDefaultData: isDefaultData && !args.isMemory }
}

function readPropertiesFile(file: string | undefined, folder: string): Map<string, string> {
  if (file === undefined) return new Map()
  try {
    return parseProperties(readFileSync(resolve(folder, file), 'utf8'))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && isWord(file)) throw unknownCommand(file)
    throw new CommandError(`cannot read ${file}: ${code === 'ENOENT' ? 'there is no such file' : message}`)
  }
}

function parseOverrides(overrides: readonly string[]): [string, string][] {
  return overrides.map((override) => {
    const at = override.indexOf('=')
    if (at < 1) throw new CommandError(`--override takes name=value, not "${override}"`, EXIT_USAGE)
    return [override.slice(0, at).trim(), override.slice(at + 1).trim()]
  })
}

/** The listeners that the properties name, with the host and port that the options name; there must be one for clients to choose from. */
function listeners({ host, port }: StartArguments, properties: ReadonlyMap<string, string>): string {
  const given = properties.get('listeners')
  if (given === undefined) return `PLAINTEXT://${bracketed(host ?? DEFAULT_HOST)}:${port ?? DEFAULT_PORT}`
  if (host === undefined && port === undefined) return given
  const controllers = splitList(properties.get('controller.listener.names') ?? '').map((name) =>
    name.toUpperCase(),
  )
  const all = splitList(given)
  const mine = all.filter((each) => !controllers.includes(each.slice(0, each.indexOf(':')).toUpperCase()))
  const [, name, oldHost, oldPort] = /^([^:]*):\/\/(.*):(\d+)$/.exec(mine[0] ?? '') ?? []
  if (mine.length !== 1 || name === undefined) {
    const option = port === undefined ? '--host' : '--port'
    throw new CommandError(
      `${option} does not say which of the listeners ${given} it means: use --override listeners=...`,
      EXIT_USAGE,
    )
  }
  const changed = `${name}://${host === undefined ? oldHost : bracketed(host)}:${port ?? oldPort}`
  return all.map((each) => (each === mine[0] ? changed : each)).join(',')
}

function dataFolders(
  { data, isMemory }: StartArguments,
  properties: ReadonlyMap<string, string>,
  folder: string,
): string {
  if (isMemory) return MEMORY_DATA
  const given = data ?? properties.get('log.dirs') ?? properties.get('log.dir') ?? DEFAULT_DATA
  const folders = data === undefined ? splitList(given) : [given]
  return folders.map((each) => resolve(folder, each)).join(',')
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}
