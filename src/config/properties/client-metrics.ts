import { int, list } from '../property.ts'

/** What clients can be chosen by. */
const selectors = new Set([
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
])

/** Properties of a subscription to metrics of clients (KIP-714). */
export const clientMetricsProperties = {
  'interval.ms': int(300_000),
  match: list('', {
    check: (text) => text === '' || text.split(',').every(isSelector),
    allowed: `a list of name=pattern with a name out of ${[...selectors].join(', ')}`,
  }),
  metrics: list(''),
}

function isSelector(text: string): boolean {
  const [name = '', pattern, ...rest] = text.split('=')
  if (pattern === undefined || rest.length > 0 || !selectors.has(name.trim())) return false
  try {
    return pattern.trim() !== '' && new RegExp(pattern.trim()) instanceof RegExp
  } catch {
    return false
  }
}
