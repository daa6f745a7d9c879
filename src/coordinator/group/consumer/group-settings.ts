import type { BrokerConfig } from '../../../config/broker-config.ts'

type Setting = 'session.timeout.ms' | 'heartbeat.interval.ms' | 'assignment.interval.ms'

/** Times of a consumer group: its own setting within the bounds of the broker, else the broker's. */
export class GroupSettings {
  readonly #config: BrokerConfig
  readonly #configsOf: (groupId: string) => ReadonlyMap<string, string>

  /** `configsOf` gives what was set for a group. */
  constructor(config: BrokerConfig, configsOf: (groupId: string) => ReadonlyMap<string, string>) {
    this.#config = config
    this.#configsOf = configsOf
  }

  sessionTimeoutMs(groupId: string): number {
    return this.#get(groupId, 'session.timeout.ms')
  }

  heartbeatIntervalMs(groupId: string): number {
    return this.#get(groupId, 'heartbeat.interval.ms')
  }

  assignmentIntervalMs(groupId: string): number {
    return this.#get(groupId, 'assignment.interval.ms')
  }

  #get(groupId: string, setting: Setting): number {
    const own = this.#configsOf(groupId).get(`consumer.${setting}`)
    if (own === undefined) return this.#config.get(`group.consumer.${setting}`)
    const least = this.#config.get(`group.consumer.min.${setting}`)
    const most = this.#config.get(`group.consumer.max.${setting}`)
    return Math.min(Math.max(Number(own), least), most)
  }
}
