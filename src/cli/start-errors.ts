import { CommandError } from './host.ts'

/** Errors whose message is written for the person who starts a broker. */
const SELF_EXPLAINING: ReadonlySet<string> = new Set(['ConfigError', 'DataDirectoryError', 'ApiError'])

/** Why a broker did not start, as one line with what to do about it; errors that nobody expected come back as they are. */
export function explainStartError(error: unknown, data: string | undefined): unknown {
  if (!(error instanceof Error)) return error
  if (SELF_EXPLAINING.has(error.name)) return new CommandError(error.message)
  if (error.name === 'DirectoryLockedError') {
    return new CommandError(`${error.message}; stop it, or choose another with --data`)
  }
  const line = systemErrorLine(error, data)
  return line === undefined ? error : new CommandError(line)
}

function systemErrorLine(error: NodeJS.ErrnoException, data: string | undefined): string | undefined {
  const { code, syscall, message } = error
  if (syscall === 'listen' || syscall === 'getaddrinfo') return listenErrorLine(error)
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `cannot write to the folder ${data}: ${message}; choose another with --data`
    case 'ENOTDIR':
    case 'EEXIST':
    case 'ENOENT':
      return `cannot use the folder ${data}: ${message}; choose another with --data`
    case 'ENOSPC':
    case 'EDQUOT':
      return `no space left for ${data}: ${message}`
    default:
      return syscall === undefined ? undefined : `cannot use the folder ${data}: ${message}`
  }
}

function listenErrorLine(
  error: NodeJS.ErrnoException & { address?: string; port?: number; hostname?: string },
): string {
  const { code, port, address = error.hostname, message } = error
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} of ${address} is in use, perhaps by another broker; choose another with --port, 0 takes a free one`
    case 'EACCES':
      return `port ${port} of ${address} needs more rights than this user has; choose another with --port`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${address} is no address of this machine (${code}); choose another with --host`
    default:
      return `cannot listen: ${message}`
  }
}
