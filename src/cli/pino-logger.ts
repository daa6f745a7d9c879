import { createRequire } from 'node:module'
import type { DestinationStream, Logger as Pino } from 'pino'
import type { Logger, LogLevel } from '../platform/logger.ts'

export type LogFormat = 'pretty' | 'json'

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error']

/**
 * Logs through pino, which is loaded when the first line is due: a quiet start does not pay for it.
 * `write` takes whole lines with their line end.
 */
export function pinoLogger(level: LogLevel, format: LogFormat, write: (line: string) => void): Logger {
  let loaded: Pino | undefined
  const load = () => {
    if (!loaded) {
      const { pino } = createRequire(import.meta.url)('pino') as typeof import('pino')
      const destination: DestinationStream =
        format === 'json' ? { write } : { write: (line) => write(prettyLine(line)) }
      loaded = pino(
        { level, base: null, serializers: { err: (error: Error) => errorFacts(error, pino) } },
        destination,
      )
    }
    return loaded
  }
  return new LazyLogger(LEVELS.indexOf(level), load)
}

/** What the operating system says of a file tells by its words, not by where in the source we asked. */
function errorFacts(error: Error, { stdSerializers }: typeof import('pino').pino): object {
  if (!(error instanceof Error && 'syscall' in error)) return stdSerializers.err(error)
  const { name, message, ...facts } = error
  return { type: name, message, ...facts }
}

class LazyLogger implements Logger {
  readonly #threshold: number
  readonly #load: () => Pino
  #pino: Pino | undefined

  constructor(threshold: number, load: () => Pino) {
    this.#threshold = threshold
    this.#load = load
  }

  #get(): Pino {
    this.#pino ??= this.#load()
    return this.#pino
  }

  trace(facts: object, message: string) {
    if (this.#threshold <= 0) this.#get().trace(facts, message)
  }
  debug(facts: object, message: string) {
    if (this.#threshold <= 1) this.#get().debug(facts, message)
  }
  info(facts: object, message: string) {
    if (this.#threshold <= 2) this.#get().info(facts, message)
  }
  warn(facts: object, message: string) {
    if (this.#threshold <= 3) this.#get().warn(facts, message)
  }
  error(facts: object, message: string) {
    this.#get().error(facts, message)
  }
  child(bindings: Record<string, unknown>): Logger {
    return new LazyLogger(this.#threshold, () => this.#get().child(bindings))
  }
  isLevelEnabled(level: LogLevel): boolean {
    return this.#threshold <= LEVELS.indexOf(level)
  }
}

const LEVEL_NAMES: Record<number, string> = { 10: 'TRACE', 20: 'DEBUG', 30: 'INFO', 40: 'WARN', 50: 'ERROR' }

/** One pino line of JSON as `12:34:56.789 WARN  message name=value`. */
export function prettyLine(json: string): string {
  const { level, time, msg, ...facts } = JSON.parse(json) as { level: number; time: number; msg: string }
  const clock = new Date(time).toISOString().slice(11, 23)
  const details = Object.entries(facts).map(([name, value]) => ` ${name}=${printed(value)}`)
  return `${clock} ${(LEVEL_NAMES[level] ?? String(level)).padEnd(5)} ${msg}${details.join('')}\n`
}

function printed(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
  if (value instanceof Object && 'message' in value) {
    return 'stack' in value ? String(value.stack) : JSON.stringify(value.message)
  }
  return JSON.stringify(value)
}
