import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks per second in /proc, the same on all Linux machines that Node runs on. */
const TICKS_PER_SECOND = 100

/** CPU seconds that a process and its children have used; undefined when the system does not tell (only Linux has /proc). */
export function cpuSecondsOf(pid: number): number | undefined {
  return sum(pid, (each) => {
    // The name in parentheses may hold spaces; behind it, user and system time are the 12th and 13th field.
    const stat = readFileSync(`/proc/${each}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  })
}

/** Resident memory of a process and its children. */
export function residentBytesOf(pid: number): number | undefined {
  return sum(pid, (each) => {
    const [, kibibytes = '0'] = /^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${each}/status`, 'latin1')) ?? []
    return Number(kibibytes) * 1024
  })
}

function sum(pid: number, read: (pid: number) => number): number | undefined {
  try {
    return [pid, ...childrenOf(pid)].reduce((total, each) => total + read(each), 0)
  } catch {
    return undefined
  }
}

function childrenOf(pid: number): number[] {
  const children: number[] = []
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').trim()
    for (const child of text === '' ? [] : text.split(' '))
      children.push(Number(child), ...childrenOf(Number(child)))
  }
  return children
}

/** Measures both sides of a run: this process and the broker's. */
export class UsageMeter {
  readonly #pid: number | undefined
  readonly #startedMs = performance.now()
  readonly #own = process.cpuUsage()
  readonly #broker: number | undefined

  constructor(brokerPid: number | undefined) {
    this.#pid = brokerPid
    this.#broker = brokerPid === undefined ? undefined : cpuSecondsOf(brokerPid)
  }

  stop(): Usage {
    const seconds = (performance.now() - this.#startedMs) / 1000
    const own = process.cpuUsage(this.#own)
    const broker = this.#pid === undefined ? undefined : cpuSecondsOf(this.#pid)
    return {
      seconds,
      clientCpuSeconds: (own.user + own.system) / 1e6,
      brokerCpuSeconds:
        broker === undefined || this.#broker === undefined ? undefined : broker - this.#broker,
    }
  }
}

export interface Usage {
  readonly seconds: number
  readonly clientCpuSeconds: number
  readonly brokerCpuSeconds: number | undefined
}
