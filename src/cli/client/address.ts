import { CommandError, EXIT_USAGE } from '../host.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

const DEFAULT_PORT = 9092

/** `host:port`, as `--bootstrap-server` and the banner have it; IPv6 in brackets. */
export function printedAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Reads `host:port,host:port`; the port may be left out. Throws `CommandError`. */
export function parseAddresses(text: string): Address[] {
  return text.split(',').map((entry) => {
    const match = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:[\]\s]+))(?::(?<port>\d{1,5}))?$/.exec(entry.trim())
    const port = Number(match?.groups?.port ?? DEFAULT_PORT)
    const host = match?.groups?.v6 ?? match?.groups?.name
    if (host === undefined || port < 1 || port > 65535) {
      throw new CommandError(`--bootstrap-server takes host:port, not "${entry}"`, EXIT_USAGE)
    }
    return { host, port }
  })
}
