import { createRequire } from 'node:module'

/** Version of this package. */
export function version(): string {
  const description = createRequire(import.meta.url)('../../package.json') as { version: string }
  return description.version
}
