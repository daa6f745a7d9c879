import fs from 'node:fs'
import { type DirectoryLock, DirectoryLockedError } from './platform.ts'

/** A claim older than this was left by a process that died between two lines of `lockDirectory`. */
const CLAIM_TIMEOUT_MS = 5000
/** Two readings of one process's start, taken from two clocks, differ by less. */
const START_TOLERANCE_MS = 2000

/** Who holds a lock, as written into the file: the process, and when it started, because process ids are used again. */
interface Owner {
  readonly pid: number
  readonly startedAt: string
}

/**
 * Locks the folder of a `.lock` file. Apache Kafka holds a POSIX lock on it, which Node cannot take; so the file carries the owner while
 * it is held and is empty otherwise. A dead owner does not count, nor does one whose process id now belongs to another process. On Linux a
 * lock that Apache Kafka itself holds is seen in `/proc/locks`. After `release` the file is there and empty, as Kafka leaves it.
 */
export function lockDirectory(path: string): DirectoryLock {
  const stamp = JSON.stringify({ pid: process.pid, startedAt: startOf(process.pid) ?? '' } satisfies Owner)
  const claim = `${path}.claim`
  takeClaim(claim, path)
  try {
    const descriptor = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o644)
    try {
      const owner = ownerOf(descriptor)
      if (owner !== undefined) throw lockedError(path, owner)
      fs.ftruncateSync(descriptor, 0)
      fs.writeSync(descriptor, stamp, 0)
    } finally {
      fs.closeSync(descriptor)
    }
  } finally {
    fs.rmSync(claim, { force: true })
  }
  return { release: () => releaseLock(path, stamp) }
}

/** Who holds a lock, without touching it; undefined when nobody does, or there is no such file. */
export function directoryUser(path: string): string | undefined {
  let descriptor: number
  try {
    descriptor = fs.openSync(path, 'r')
  } catch {
    return undefined
  }
  try {
    return ownerOf(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
}

function ownerOf(descriptor: number): string | undefined {
  const owner = parseOwner(fs.readFileSync(descriptor, 'utf8'))
  if (owner && isAlive(owner)) return `process ${owner.pid}`
  const holder = posixLockHolder(fs.fstatSync(descriptor))
  if (holder === undefined) return undefined
  return holder > 0 ? `process ${holder}` : 'another process'
}

function releaseLock(path: string, stamp: string): void {
  try {
    if (fs.readFileSync(path, 'utf8') === stamp) fs.truncateSync(path, 0)
  } catch (error) {
    // The folder may be gone already: a test that cleans up.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** A file that exists only while somebody looks at the lock and writes it, so that two starting brokers cannot both win. */
function takeClaim(claim: string, path: string): void {
  for (let attempt = 0; ; attempt++) {
    try {
      fs.closeSync(fs.openSync(claim, 'wx'))
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const claimedAt = fs.statSync(claim, { throwIfNoEntry: false })?.mtimeMs ?? 0
      if (attempt > 0 || Date.now() - claimedAt < CLAIM_TIMEOUT_MS)
        throw lockedError(path, 'a starting process')
      fs.rmSync(claim, { force: true })
    }
  }
}

function lockedError(path: string, owner: string): DirectoryLockedError {
  return new DirectoryLockedError(`${path} is locked by ${owner}: another broker uses this directory`)
}

function parseOwner(text: string): Owner | undefined {
  if (text === '') return undefined
  try {
    const owner = JSON.parse(text) as Partial<Owner> | null
    if (typeof owner?.pid === 'number') return { pid: owner.pid, startedAt: String(owner.startedAt) }
  } catch {
    // Not ours: a crash in the middle of writing it.
  }
  return undefined
}

function isAlive(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    // EPERM: there is such a process, it belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const startedAt = startOf(owner.pid)
  if (startedAt === undefined || startedAt === owner.startedAt) return true
  const [kind, now] = startedAt.split(':')
  const [ownerKind, then] = owner.startedAt.split(':')
  if (kind !== ownerKind) return true
  return kind === 'ms' && Math.abs(Number(now) - Number(then)) < START_TOLERANCE_MS
}

/** When a process started: on Linux in the kernel's ticks since boot, with the boot; elsewhere only our own is known. */
function startOf(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    // Field 22; the fields are counted from behind the command, which is in brackets and may hold anything.
    return `ticks:${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}@${boot}`
  } catch {
    return pid === process.pid ? `ms:${Math.round(Date.now() - process.uptime() * 1000)}` : undefined
  }
}

/** Process that holds a POSIX lock on the file, as Apache Kafka does; undefined when there is none or the system does not say. */
function posixLockHolder(file: fs.Stats): number | undefined {
  let locks: string
  try {
    locks = fs.readFileSync('/proc/locks', 'utf8')
  } catch {
    return undefined
  }
  const major = Math.floor(file.dev / 256) & 0xfff
  const minor = (file.dev & 0xff) | (Math.floor(file.dev / 4096) & 0xfff00)
  const hex = (value: number) => value.toString(16).padStart(2, '0')
  const wanted = `${hex(major)}:${hex(minor)}:${file.ino}`
  // 1: POSIX  ADVISORY  WRITE 4711 fe:01:131 0 EOF
  for (const line of locks.split('\n')) {
    const fields = line.trim().split(/\s+/)
    if (fields[1] === 'POSIX' && fields[5] === wanted) return Number(fields[4])
  }
  return undefined
}
