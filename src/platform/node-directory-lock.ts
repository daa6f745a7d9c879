import fs from 'node:fs'
import { type DirectoryLock, DirectoryLockedError } from './platform.ts'

/** A claim older than this was left by a process that died between two lines of `lockDirectory`. */
const CLAIM_TIMEOUT_MS = 5000
/** Two readings of one process's start, taken from two clocks, differ by less. */
const START_TOLERANCE_MS = 2000

/** Whoever cannot see a process waits so long for a sign of life from it. */
const SILENCE_MS = 3000
/** An owner gives so many signs of life in that time. */
const SIGNS_IN_SILENCE = 4
/** Nobody waits for one who was silent for so long already. */
const LONG_SILENCE_MS = 60_000
const STRANGER = 'a process in another container, or on another machine'

/** Who holds a lock, as written into the file: the process, and when it started, because process ids are used again. */
interface Owner {
  readonly pid: number
  readonly startedAt: string
  /** Among which processes the id means something: a container has ids of its own. Undefined where the system does not say. */
  readonly space: string | undefined
}

/**
 * Locks the folder of a `.lock` file. Apache Kafka holds a POSIX lock on it, which Node cannot take; so the file carries the owner while
 * it is held and is empty otherwise. A dead owner does not count, nor does one whose process id now belongs to another process. On Linux a
 * lock that Apache Kafka itself holds is seen in `/proc/locks`. After `release` the file is there and empty, as Kafka leaves it.
 *
 * An owner in another container, or on another machine that shares the volume, cannot be seen: it touches the file now and then, and who
 * comes waits `silenceMs` for that.
 */
export function lockDirectory(path: string, silenceMs = SILENCE_MS): DirectoryLock {
  const { pid } = process
  const stamp = JSON.stringify({ pid, startedAt: startOf(pid) ?? '', space: processSpace() } satisfies Owner)
  const claim = `${path}.claim`
  takeClaim(claim, path)
  try {
    const descriptor = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o644)
    try {
      const owner = ownerOf(descriptor, () => givesSigns(path, silenceMs))
      if (owner !== undefined) throw lockedError(path, owner)
      fs.ftruncateSync(descriptor, 0)
      fs.writeSync(descriptor, stamp, 0)
    } finally {
      fs.closeSync(descriptor)
    }
  } finally {
    fs.rmSync(claim, { force: true })
  }
  const signs = setInterval(() => touch(path), silenceMs / SIGNS_IN_SILENCE)
  signs.unref()
  return {
    release() {
      clearInterval(signs)
      releaseLock(path, stamp)
    },
  }
}

function touch(path: string): void {
  const now = new Date()
  // The folder may be gone: whoever removed it knows why.
  fs.utimes(path, now, now, () => {})
}

/** Does the owner of a lock touch the file while we look? Opened anew each time: a network file system may tell old news otherwise. */
function givesSigns(path: string, silenceMs: number): boolean {
  const before = touchedMs(path)
  if (Date.now() - before > LONG_SILENCE_MS) return false
  const until = performance.now() + silenceMs
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  while (performance.now() < until) {
    Atomics.wait(sleeper, 0, 0, silenceMs / 20)
    if (touchedMs(path) !== before) return true
  }
  return false
}

function touchedMs(path: string): number {
  const descriptor = fs.openSync(path, 'r')
  try {
    return fs.fstatSync(descriptor).mtimeMs
  } finally {
    fs.closeSync(descriptor)
  }
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
    return ownerOf(descriptor, () => Date.now() - fs.fstatSync(descriptor).mtimeMs < 2 * SILENCE_MS)
  } finally {
    fs.closeSync(descriptor)
  }
}

/** `isStrangerAlive` is asked about an owner whose process cannot be seen from here. */
function ownerOf(descriptor: number, isStrangerAlive: () => boolean): string | undefined {
  const owner = parseOwner(fs.readFileSync(descriptor, 'utf8'))
  if (owner && isStranger(owner)) {
    if (isStrangerAlive()) return STRANGER
  } else if (owner && isAlive(owner)) return `process ${owner.pid}`
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
    if (typeof owner?.pid === 'number')
      return { pid: owner.pid, startedAt: String(owner.startedAt), space: owner.space }
  } catch {
    // Not ours: a crash in the middle of writing it.
  }
  return undefined
}

function isStranger({ space }: Owner): boolean {
  const own = processSpace()
  return space !== undefined && own !== undefined && space !== own
}

/** On Linux: the processes that have ids of one kind, since the machine started. */
function processSpace(): string | undefined {
  try {
    return `${fs.readlinkSync('/proc/self/ns/pid')}@${bootId()}`
  } catch {
    return undefined
  }
}

function bootId(): string {
  return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
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
    // Field 22; the fields are counted from behind the command, which is in brackets and may hold anything.
    return `ticks:${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}@${bootId()}`
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
