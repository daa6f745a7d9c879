import { apis } from '../../protocol/generated/index.ts'
import { CommandError, EXIT_USAGE } from '../host.ts'
import type { DescribedExchange } from './described-exchange.ts'

export interface FilterOptions {
  readonly api?: readonly string[] | undefined
  readonly client?: string | undefined
  readonly topic?: readonly string[] | undefined
  readonly errors?: boolean | undefined
}

/** Whether an exchange is to be shown: all that is asked for has to fit. Throws `CommandError` for an API that does not exist. */
export function traceFilter(options: FilterOptions): (described: DescribedExchange) => boolean {
  const keys = options.api?.flatMap((names) => names.split(',')).map(apiKey)
  const topics = options.topic?.flatMap((names) => names.split(','))
  const client = options.client?.toLowerCase()
  return ({ head, software, topics: named, errors, exchange }) => {
    if (keys && (head === undefined || !keys.includes(head.apiKey))) return false
    if (topics && !named.some((topic) => topics.includes(topic))) return false
    if (client !== undefined) {
      const { clientAddress, clientPort } = exchange.connection
      const texts = [head?.clientId ?? '', software ?? '', `${clientAddress}:${clientPort}`]
      if (!texts.some((text) => text.toLowerCase().includes(client))) return false
    }
    return (
      !options.errors ||
      errors.length > 0 ||
      (exchange.outcome === 'connection ended' && exchange.reason !== '')
    )
  }
}

function apiKey(text: string): number {
  const found = apis.find(
    ({ key, name }) => name.toLowerCase() === text.toLowerCase() || String(key) === text,
  )
  if (found) return found.key
  const near = apis
    .filter(({ name }) => name.toLowerCase().includes(text.toLowerCase()))
    .map(({ name }) => name)
  const hint = near.length > 0 && text !== '' ? `: perhaps ${near.slice(0, 5).join(', ')}` : ''
  throw new CommandError(`--api: there is no API "${text}"${hint}`, EXIT_USAGE)
}
