import { brokerCrossChecks, startChecks } from './broker-cross-checks.ts'
import {
  type BrokerPropertyName,
  type BrokerPropertyTypes,
  brokerProperties,
  brokerProperty,
} from './broker-properties.ts'
import { ConfigError } from './config-error.ts'
import { configWarnings } from './config-warnings.ts'
import { type ListenerConfig, parseListeners } from './listeners.ts'
import { canonicalText, type ParsedValue, parseValue } from './parse-value.ts'
import type { Property } from './property.ts'

export type { BrokerPropertyName, BrokerPropertyTypes } from './broker-properties.ts'
export type { ListenerConfig } from './listeners.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const DEFAULT_NODE_ID = 1

/**
 * What a broker goes by. A value comes, in this order, from: what was set for this broker while it ran, what was set for all brokers while they
 * ran, what it was started with, Kafka's default (KIP-226).
 */
export class BrokerConfig {
  readonly nodeId: number
  /** Listeners that clients may connect to, in the order in which they were given. */
  readonly listeners: readonly ListenerConfig[]
  /** What a user should know about the properties, one line each. */
  readonly warnings: readonly string[]
  /** What the broker was started with, as it was written. */
  readonly staticEntries: ReadonlyMap<string, string>
  #brokerEntries: ReadonlyMap<string, string> = new Map()
  #clusterEntries: ReadonlyMap<string, string> = new Map()
  readonly #values = new Map<BrokerPropertyName, unknown>()

  private constructor(
    staticEntries: ReadonlyMap<string, string>,
    givenAs: ReadonlyMap<string, string> = new Map(),
  ) {
    this.staticEntries = staticEntries
    for (const [name, text] of staticEntries) {
      const property = brokerProperty(name)
      if (property) parseValue(name, property, text)
    }
    this.nodeId = this.#readNodeId()
    // Either name of a node's id stands for both.
    const id = String(this.nodeId)
    this.staticEntries = new Map([...staticEntries, ['node.id', id], ['broker.id', id]])
    this.listeners = parseListeners(this)
    brokerCrossChecks(this)
    startChecks(this)
    this.warnings = configWarnings(staticEntries, givenAs)
  }

  /**
   * Throws `ConfigError`, with one line that names the property, its value and what is allowed. Warnings tell properties by what `givenAs`
   * has for them, such as the environment variable.
   */
  static fromProperties(
    properties: ReadonlyMap<string, string>,
    givenAs?: ReadonlyMap<string, string>,
  ): BrokerConfig {
    return new BrokerConfig(new Map(properties), givenAs)
  }

  /** The value in force. Long.MAX comes as 2 ** 63, the nearest number. */
  get<Name extends BrokerPropertyName>(name: Name): BrokerPropertyTypes[Name] {
    let value = this.#values.get(name)
    if (value === undefined) {
      value = this.#resolve(name)
      this.#values.set(name, value)
    }
    return value as BrokerPropertyTypes[Name]
  }

  /** Text of the value that was set under this very name, or of Kafka's default, in the form in which it is told; null: none. */
  textOf(name: BrokerPropertyName): string | null {
    const property: Property = brokerProperties[name]
    const text = this.#text(name) ?? property.fallback
    return text === null ? null : canonicalText(property, text)
  }

  /** Whether somebody has set it, at start or since. */
  isSet(name: BrokerPropertyName): boolean {
    return this.#text(name) !== undefined
  }

  /**
   * Takes over what is stored for this broker and for all brokers. Entries that Kafka would not take (unknown, read-only, bad) have no effect,
   * but are described.
   */
  setDynamic(brokerEntries: ReadonlyMap<string, string>, clusterEntries: ReadonlyMap<string, string>): void {
    this.#brokerEntries = new Map(brokerEntries)
    this.#clusterEntries = new Map(clusterEntries)
    this.#values.clear()
  }

  get dynamicBrokerEntries(): ReadonlyMap<string, string> {
    return this.#brokerEntries
  }

  get dynamicClusterEntries(): ReadonlyMap<string, string> {
    return this.#clusterEntries
  }

  /** The same with other dynamic entries. Throws `ConfigError` when they do not go together with each other and with the rest. */
  withDynamic(
    brokerEntries: ReadonlyMap<string, string>,
    clusterEntries: ReadonlyMap<string, string>,
  ): BrokerConfig {
    const copy = new BrokerConfig(this.staticEntries)
    copy.setDynamic(brokerEntries, clusterEntries)
    parseListeners(copy)
    brokerCrossChecks(copy)
    return copy
  }

  #resolve(name: BrokerPropertyName): ParsedValue | null {
    switch (name) {
      case 'node.id':
      case 'broker.id':
        return this.nodeId
      case 'log.dirs':
        return this.#own('log.dirs') ?? this.get('log.dir')
      case 'log.flush.interval.ms':
        return this.#own(name) ?? this.get('log.flush.scheduler.interval.ms')
      case 'log.roll.ms':
        return this.#own(name) ?? this.get('log.roll.hours') * HOUR_MS
      case 'log.roll.jitter.ms':
        return this.#own(name) ?? this.get('log.roll.jitter.hours') * HOUR_MS
      case 'log.retention.ms':
        return this.#retentionMs()
      default:
        return this.#own(name)
    }
  }

  /** Less than nothing is without a limit. */
  #retentionMs(): number {
    const minutes = this.get('log.retention.minutes')
    const ms =
      (this.#own('log.retention.ms') as number | null) ??
      (minutes === null ? this.get('log.retention.hours') * HOUR_MS : minutes * MINUTE_MS)
    return ms < 0 ? -1 : ms
  }

  #own(name: BrokerPropertyName): ParsedValue | null {
    const property: Property = brokerProperties[name]
    const text = this.#text(name) ?? property.fallback
    return text === null ? null : parseValue(name, property, text)
  }

  #text(name: BrokerPropertyName): string | undefined {
    const property: Property = brokerProperties[name]
    if (property.rules.dynamic) {
      for (const entries of [this.#brokerEntries, this.#clusterEntries]) {
        const text = entries.get(name)
        if (text !== undefined && isParsable(name, property, text)) return text
      }
    }
    return this.staticEntries.get(name)
  }

  #readNodeId(): number {
    const nodeId = this.#own('node.id') as number | null
    const brokerId = this.#own('broker.id') as number
    if (nodeId !== null && brokerId >= 0 && nodeId !== brokerId) {
      throw new ConfigError(
        `broker.id=${brokerId} is not allowed: it has to be the same as node.id=${nodeId}`,
      )
    }
    return nodeId ?? (brokerId >= 0 ? brokerId : DEFAULT_NODE_ID)
  }
}

function isParsable(name: string, property: Property, text: string): boolean {
  try {
    parseValue(name, property, text)
    return true
  } catch {
    return false
  }
}
