/** The part of pino's interface that the broker uses. Constant message text, facts in the object. */
export interface Logger {
  trace(facts: object, message: string): void
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
  child(bindings: Record<string, unknown>): Logger
  /** Guards facts that are costly to build. */
  isLevelEnabled(level: LogLevel): boolean
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

const nothing = () => {}

/** Logs nothing: the default of tests and of `startKafka()`. */
export const silentLogger: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
  isLevelEnabled: () => false,
}
