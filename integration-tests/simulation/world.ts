import { Broker } from '../../src/broker.ts'
import { BrokerConfig } from '../../src/config/broker-config.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { ManualClock } from '../../src/platform/manual-clock.ts'
import { SimulatedFiles } from '../../src/platform/simulated-files.ts'
import { SimulatedNetwork } from '../../src/platform/simulated-network.ts'
import { type SimulatedMachine, SimulatedProcess } from '../../src/platform/simulated-process.ts'
import { SimulatedRandom } from '../../src/platform/simulated-random.ts'
import { audit, auditCompaction, noteFlushed, Watch } from './audit.ts'
import { PORT } from './client.ts'
import type { History } from './history.ts'
import { Ledger } from './ledger.ts'
import type { Plan, Step } from './plan.ts'
import { Violation } from './violation.ts'

const DATA = '/data'
const CLEAN_SHUTDOWN = `${DATA}/.kafka_cleanshutdown`
/** How long a flush or a large read takes at most when the disk is slow. */
const SLOW_DISK_MS = 3000
const RESTART_MS = 500
/** A broker that cannot start gets a sound disk after so many times. */
const MAX_FAILED_STARTS = 4
/** As many files as a broker without the right to more has open here. */
const FEW_FILES = 3

type Lifecycle = Extract<Step, { kind: 'stop' | 'kill' | 'lose-power' }>

/** The machine, the broker on it in one life after the other, and what is known of it. */
export class World implements SimulatedMachine {
  readonly clock = new ManualClock()
  readonly random: SimulatedRandom
  readonly files: SimulatedFiles
  readonly network: SimulatedNetwork
  readonly ledger: Ledger
  diskDelayMs: number
  readonly #plan: Plan
  readonly #history: History
  readonly #flushesAtOnce: boolean
  /** Called when a broker is up after a crash. */
  onRecovered: () => void = () => {}
  /** Nothing goes wrong any more. */
  isSound = false
  /** What went wrong first; all stops then. */
  failure: unknown
  #life = 0
  #process: SimulatedProcess | undefined
  #broker: Broker | undefined
  #watch: Watch | undefined
  #state: 'down' | 'starting' | 'up' | 'stopping' = 'down'
  /** How often power was lost. */
  powerLosses = 0
  #isPowerLost = false
  /** The broker ends when the disk begins to fail. */
  #deadly: Extract<Step, { kind: 'die' }> | undefined
  #isEnding = false
  /** What has happened to the machine: a start takes a while, and something may come in between. */
  #troubles = 0

  constructor(plan: Plan, history: History) {
    this.#plan = plan
    this.diskDelayMs = plan.diskDelayMs
    this.#history = history
    this.random = new SimulatedRandom(plan.seed)
    this.files = new SimulatedFiles(this.random.fork('files'))
    this.files.faults.isRecording = false
    this.files.hasJournal = this.random.fork('journal').chance(50)
    this.network = new SimulatedNetwork(this.clock, this.random.fork('network'))
    this.#flushesAtOnce = plan.flushing === 'always'
    this.ledger = new Ledger(this.#flushesAtOnce)
  }

  get isOver(): boolean {
    return this.#isEnding || this.failure !== undefined
  }

  get isUp(): boolean {
    return this.#state === 'up'
  }

  /** Clients do nothing new any more. */
  end(): void {
    this.#isEnding = true
  }

  fail(reason: unknown): void {
    this.failure ??= reason
  }

  log(who: string, what: string): void {
    this.#history.add(this.clock.elapsedMs(), who, what)
  }

  /** What holds at every moment. */
  check(): void {
    if (this.#state === 'up') this.#watch?.look()
    const deadly = this.#deadly
    if (!deadly || !this.files.faults.isFailing) return
    this.heal()
    this.#run({ ...deadly, kind: deadly.isPowerLost ? 'lose-power' : 'kill' })
  }

  /** Starts a broker, again and again until it is up. */
  async start(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const life = ++this.#life
      if (attempt > MAX_FAILED_STARTS) this.heal()
      const troubles = this.#troubles
      try {
        await this.#startOnce(life)
        return
      } catch (error) {
        if (life !== this.#life) return
        if (error instanceof Violation) throw error
        const reason = error instanceof Error ? error.message : String(error)
        this.log('broker', `cannot start: ${reason}`)
        if (attempt > MAX_FAILED_STARTS && this.#troubles === troubles)
          throw new Violation('a broker starts on a sound disk', reason)
      }
      this.#end(false)
      await this.#sleep(RESTART_MS)
      if (life !== this.#life) return
    }
  }

  async #startOnce(life: number): Promise<void> {
    const process = new SimulatedProcess(this, `life ${life}`)
    const isClean = this.files.exists(CLEAN_SHUTDOWN)
    const broker = new Broker({
      config: BrokerConfig.fromProperties(
        new Map(
          Object.entries({
            listeners: `PLAINTEXT://127.0.0.1:${PORT}`,
            'log.dirs': DATA,
            ...this.#plan.properties,
          }),
        ),
      ),
      platform: process.platform,
      logger: silentLogger,
    })
    this.#process = process
    this.#state = 'starting'
    this.log('broker', `starts ${isClean ? 'clean' : 'after a crash'}`)
    await broker.start()
    if (life !== this.#life) return
    this.#broker = broker
    this.#watch = new Watch(broker)
    this.#state = 'up'
    this.log('broker', 'is up')
    // Not always when it was clean: logs open on their first use, which is to be tried too.
    if (!isClean || this.#isPowerLost || life % 2 === 0 || this.#isEnding) this.audit()
    if (!isClean) this.onRecovered()
  }

  /** Compares everything. */
  audit(): void {
    if (!this.#broker) return
    audit(this.#broker, this.ledger, this.#isPowerLost)
    this.#isPowerLost = false
  }

  /** Compacts all that is due, and looks whether that was all. */
  async auditCompaction(): Promise<void> {
    if (!this.#broker) return
    await this.#broker.maintain()
    auditCompaction(this.#broker, this.ledger)
    this.audit()
  }

  /** Stops the broker as one should. */
  async stop(): Promise<void> {
    if (this.#state !== 'up' || !this.#broker) return
    const life = this.#life
    this.#state = 'stopping'
    this.log('broker', 'stops')
    await this.#broker.stop()
    if (life !== this.#life) return
    if (this.files.exists(CLEAN_SHUTDOWN)) this.#noteAllFlushed()
    else this.log('broker', 'could not stop clean')
    this.#end(false)
  }

  perform(step: Step): void {
    this.#troubles++
    switch (step.kind) {
      case 'stop':
      case 'kill':
      case 'lose-power':
        this.#run(step)
        return
      case 'die':
        this.log('disk', `#${step.id} call ${step.n} is the last one`)
        this.files.failAt(step.n)
        this.#deadly = step
        if (step.isInMaintenance) this.#maintain()
        return
      case 'maintain':
        this.#maintain()
        return
      case 'disk-fails': {
        this.#deadly = undefined
        const { n, count, code, isTorn } = step
        this.log('disk', `#${step.id} fails at call ${n}, ${count} times: ${code}${isTorn ? ', torn' : ''}`)
        this.files.failAt(n, { count, code, isTorn })
        return
      }
      case 'disk-full':
        this.log('disk', `#${step.id} has room for ${step.spareBytes} bytes`)
        this.files.capacityBytes = this.files.usedBytes + step.spareBytes
        return
      case 'files-exhausted':
        this.log('disk', `#${step.id} too many open files`)
        this.files.openLimit = FEW_FILES
        return
      case 'disk-slow':
        this.log('disk', `#${step.id} is slow`)
        this.diskDelayMs = SLOW_DISK_MS
        return
      case 'disk-healed':
        this.log('disk', `#${step.id} is sound`)
        this.heal()
        return
      case 'write-back':
        this.files.writeBack()
        return
      case 'cut-all':
        this.log('network', `#${step.id} all connections are cut`)
        this.network.cutAll()
    }
  }

  heal(): void {
    this.#deadly = undefined
    this.diskDelayMs = this.#plan.diskDelayMs
    this.files.faults.clear()
    this.files.capacityBytes = Number.POSITIVE_INFINITY
    this.files.openLimit = Number.POSITIVE_INFINITY
  }

  #maintain(): void {
    if (this.#state !== 'up' || !this.#broker) return
    this.log('broker', 'is maintained')
    this.#broker.maintain().catch((error: unknown) => this.fail(error))
  }

  #run(step: Lifecycle): void {
    const done = this.#runLifecycle(step)
    done.catch((error: unknown) => this.fail(error))
  }

  async #runLifecycle(step: Lifecycle): Promise<void> {
    if (step.kind === 'stop') {
      if (this.#state !== 'up') return
      const life = this.#life
      await this.stop()
      if (life !== this.#life) return
    } else if (!this.#crash(step)) return
    const life = this.#life
    await this.#sleep(step.downMs)
    // Whoever came in between has seen to it.
    if (life === this.#life && this.#state === 'down') await this.start()
  }

  /** Ends the broker where it stands; false when there is nothing to end. */
  #crash(step: Lifecycle): boolean {
    const isPowerLost = step.kind === 'lose-power'
    if (this.#state === 'down') return false
    this.log('broker', `#${step.id} ${isPowerLost ? 'loses power' : 'is killed'} while ${this.#state}`)
    if (isPowerLost) {
      if (this.#broker) noteFlushed(this.#broker, this.ledger)
      if (!this.#flushesAtOnce) this.ledger.losePower()
      this.#isPowerLost = true
      this.powerLosses++
    }
    this.#life++
    this.#end(isPowerLost)
    return true
  }

  #end(isPowerLost: boolean): void {
    this.ledger.endLife()
    this.#process?.kill(isPowerLost)
    this.#process = undefined
    this.#broker = undefined
    this.#watch = undefined
    this.#state = 'down'
  }

  #noteAllFlushed(): void {
    for (const { partitions } of this.ledger.topics.values()) {
      for (const partition of partitions) partition?.stoppedClean()
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.schedule(ms, resolve))
  }
}
