import { type Address, printedAddress } from './client/address.ts'

/** What there is to say once a broker is ready. */
export interface Ready {
  readonly version: string
  readonly readyMs: number
  readonly listeners: readonly Address[]
  /** Folder of the logs; undefined: in memory. */
  readonly data: string | undefined
}

/** Codes of terminals. */
const STYLES = { bold: 1, dim: 2, green: 32, cyan: 36 } as const

/** For a script: one line. */
export function readyLine({ readyMs, listeners, data }: Omit<Ready, 'version'>): string {
  const addresses = listeners.map((listener) => printedAddress(reachable(listener)))
  return `Odradek ready in ${Math.round(readyMs)} ms kafka=${addresses.join(',')} data=${data ?? 'memory'}\n`
}

/** For a person. */
export function banner({ version, readyMs, listeners, data }: Ready, hasColour: boolean): string {
  const style = (name: keyof typeof STYLES, text: string) =>
    hasColour ? `\u001b[${STYLES[name]}m${text}\u001b[0m` : text
  const row = (name: string, value: string, note = '') =>
    `  ${style('green', '➜')}  ${style('bold', name.padEnd(6))} ${value}${note ? `  ${style('dim', note)}` : ''}`
  const lines = [
    '',
    `  ${style('bold', 'Odradek')} ${version}  ${style('dim', `ready in ${Math.round(readyMs)} ms`)}`,
    '',
    ...listeners.map((listener) =>
      row(
        'Kafka',
        style('cyan', printedAddress(reachable(listener))),
        isWildcard(listener.host) ? 'on all addresses' : '',
      ),
    ),
    data === undefined ? row('Data', 'in memory', '--data DIR keeps it') : row('Data', data),
    row('Stop', 'Ctrl-C'),
    '',
  ]
  return `${lines.join('\n')}\n`
}

/** Who listens on all addresses is reached at this one, too. */
function reachable({ host, port }: Address): Address {
  return { host: isWildcard(host) ? '127.0.0.1' : host, port }
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}
