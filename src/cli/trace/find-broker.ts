import { hostname, networkInterfaces } from 'node:os'
import type { LocalSocket, LocalSockets } from '../../platform/local-sockets.ts'
import { TRACE_REQUEST } from '../../trace/trace-event.ts'
import { parseAddresses } from '../client/address.ts'
import { CommandError, EXIT_NOT_FOUND, EXIT_USAGE } from '../host.ts'

/** Attaches to the broker at this address, or to the one that runs. Throws `CommandError`. */
export async function attach(sockets: LocalSockets, bootstrap: string | undefined): Promise<LocalSocket> {
  const name = bootstrap === undefined ? await theOnlyOne(sockets) : portOf(bootstrap)
  try {
    const socket = await sockets.connect(name)
    socket.write(TRACE_REQUEST)
    return socket
  } catch {
    const others = await sockets.names()
    const hint =
      others.length > 0 ? `; there are ${others.map((each) => `localhost:${each}`).join(', ')}` : ''
    throw new CommandError(
      `no broker of this user to trace at port ${name} of this machine${hint}`,
      EXIT_NOT_FOUND,
    )
  }
}

async function theOnlyOne(sockets: LocalSockets): Promise<string> {
  const names = await sockets.names()
  const [only, ...more] = names
  if (only === undefined)
    throw new CommandError('no broker of this user runs on this machine', EXIT_NOT_FOUND)
  if (more.length === 0) return only
  const choices = names.map((name) => `localhost:${name}`).join(', ')
  throw new CommandError(
    `several brokers run here: choose one with --bootstrap, out of ${choices}`,
    EXIT_USAGE,
  )
}

function portOf(bootstrap: string): string {
  const { host, port } = parseAddresses(bootstrap)[0]!
  if (!isHere(host)) {
    throw new CommandError(
      `a trace attaches to a broker on this machine, and ${host} is another one`,
      EXIT_USAGE,
    )
  }
  return String(port)
}

function isHere(host: string): boolean {
  if (host === 'localhost' || host.startsWith('127.') || host === '0.0.0.0' || host === hostname())
    return true
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return ['::1', '::', ...own.map(({ address }) => address)].includes(host)
}
