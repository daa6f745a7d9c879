/** A property that cannot be taken: the message is one line that names the property, its value and what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** The usual form of a `ConfigError`. The value is quoted, so that line breaks and spaces in it are seen. */
export function invalidValue(name: string, value: string, allowed: string): ConfigError {
  return new ConfigError(`${name}=${JSON.stringify(value)} is not allowed: it has to be ${allowed}`)
}
