import type { BrokerConfig } from '../config/broker-config.ts'
import type { Clock } from '../platform/platform.ts'
import { ConnectionQuota } from './connection-quota.ts'
import { MutationQuota } from './mutation-quota.ts'
import type { LimitedEntity } from './quota-limits.ts'
import { RateQuota } from './rate-quota.ts'
import type { QuotaWindows } from './windowed-rate.ts'

/** An entity with its quotas by their keys, as AlterClientQuotas has them. */
export interface EntityQuotas {
  readonly entity: ReadonlyMap<string, string | null>
  readonly values: ReadonlyMap<string, number>
}

/** All quotas of clients, and what each of them has used (KIP-13, KIP-124, KIP-546). Changed limits hold at once. */
export class Quotas {
  readonly #clock: Clock
  readonly produce: RateQuota
  readonly fetch: RateQuota
  /** In percent of the broker's time. */
  readonly request: RateQuota
  readonly mutations: MutationQuota
  readonly connections: ConnectionQuota
  #isSet = false

  constructor(config: BrokerConfig, clock: Clock) {
    this.#clock = clock
    const windows: QuotaWindows = {
      count: config.get('quota.window.num'),
      sizeMs: config.get('quota.window.size.seconds') * 1000,
    }
    this.produce = new RateQuota(windows)
    this.fetch = new RateQuota(windows)
    this.request = new RateQuota(windows, windows.sizeMs)
    this.connections = new ConnectionQuota(windows)
    this.mutations = new MutationQuota({
      count: config.get('controller.quota.window.num'),
      sizeMs: config.get('controller.quota.window.size.seconds') * 1000,
    })
  }

  /** Whether a quota of users or client ids is set. While none is, a request need not know more. */
  get isSet(): boolean {
    return this.#isSet
  }

  /** Whole milliseconds, by a clock that does not go back. */
  nowMs(): number {
    return Math.floor(this.#clock.elapsedMs())
  }

  /** The same with what is below a millisecond. */
  preciseMs(): number {
    return this.#clock.elapsedMs()
  }

  update(entities: Iterable<EntityQuotas>): void {
    const all = [...entities]
    this.produce.setLimits(limitsOf(all, 'producer_byte_rate'))
    this.fetch.setLimits(limitsOf(all, 'consumer_byte_rate'))
    this.request.setLimits(limitsOf(all, 'request_percentage'))
    this.mutations.setLimits(limitsOf(all, 'controller_mutation_rate'))
    this.connections.setLimits(connectionLimits(all))
    this.#isSet = this.produce.isSet || this.fetch.isSet || this.request.isSet || this.mutations.isSet
  }

  /** Counts a connection from this address; see `ConnectionQuota`. */
  recordConnection(address: string): number {
    return this.connections.record(address, this.nowMs())
  }
}

function* limitsOf(all: readonly EntityQuotas[], key: string): Generator<readonly [LimitedEntity, number]> {
  for (const { entity, values } of all) {
    const limit = values.get(key)
    // Kafka lets one set a limit that is no number, and holds nobody back for it.
    if (limit === undefined || Number.isNaN(limit)) continue
    yield [{ user: entity.get('user'), clientId: entity.get('client-id') }, limit]
  }
}

function* connectionLimits(all: readonly EntityQuotas[]): Generator<readonly [string | null, number]> {
  for (const { entity, values } of all) {
    const limit = values.get('connection_creation_rate')
    const address = entity.get('ip')
    if (limit !== undefined && address !== undefined) yield [address, limit]
  }
}
