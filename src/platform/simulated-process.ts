import type { ManualClock } from './manual-clock.ts'
import type { Clock, Platform, Timer } from './platform.ts'
import type { SimulatedFiles } from './simulated-files.ts'
import type { SimulatedNetwork } from './simulated-network.ts'
import type { SimulatedRandom } from './simulated-random.ts'

/** In so many of a hundred cases. */
const RARELY = 3

/** The machine that simulated processes run on: what outlives them. */
export interface SimulatedMachine {
  readonly clock: ManualClock
  readonly random: SimulatedRandom
  readonly files: SimulatedFiles
  readonly network: SimulatedNetwork
  /** How long what goes on off the main thread takes at most: usually less, now and then ten times that. */
  readonly diskDelayMs: number
}

/**
 * One life of a process: a platform that ends with it. After `kill` none of its timers, callbacks or completions comes any more, so that
 * the objects of a dead broker are as good as gone. What is to happen `soon` waits in line with everything else, so that a crash can
 * come before it.
 */
export class SimulatedProcess {
  readonly platform: Platform
  readonly #machine: SimulatedMachine
  readonly #timers = new Set<Timer>()
  readonly #host: { isAlive: boolean }

  constructor(machine: SimulatedMachine, name: string) {
    const { random, files } = machine
    this.#machine = machine
    this.#host = machine.network.host()
    const disk = random.fork(`disk of ${name}`)
    files.complete = (task) => {
      const { diskDelayMs } = machine
      this.#schedule(disk.integer(disk.chance(RARELY) ? 10 * diskDelayMs : diskDelayMs), task)
    }
    this.platform = {
      clock: this.#clock(),
      random: random.fork(`process ${name}`),
      files,
      network: machine.network.of(this.#host),
    }
  }

  get isAlive(): boolean {
    return this.#host.isAlive
  }

  /** Ends it where it stands. The page cache outlives it, unless power is lost with it. */
  kill(isPowerLost: boolean): void {
    const { network, files } = this.#machine
    network.kill(this.#host)
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    if (isPowerLost) files.losePower()
    else files.endProcess()
  }

  #clock(): Clock {
    const { clock } = this.#machine
    return {
      now: () => clock.now(),
      elapsedMs: () => clock.elapsedMs(),
      schedule: (delayMs, task) => this.#schedule(delayMs, task),
      soon: (task) => void this.#schedule(0, task),
    }
  }

  #schedule(delayMs: number, task: () => void): Timer {
    if (!this.isAlive) return { dueMs: Number.POSITIVE_INFINITY, cancel: () => {} }
    const timer = this.#machine.clock.schedule(delayMs, () => {
      this.#timers.delete(timer)
      task()
    })
    this.#timers.add(timer)
    return {
      dueMs: timer.dueMs,
      cancel: () => {
        this.#timers.delete(timer)
        timer.cancel()
      },
    }
  }
}
