import type { BrokerConfig } from '../config/broker-config.ts'
import { ConfigError } from '../config/config-error.ts'
import type { StorageSettings } from '../log/partitions.ts'
import type { BoundListener, ServerLimits } from '../network/server.ts'

const BACKLOG_PROPERTY = 'socket.listen.backlog.size'
/** Kafka's default of 50 makes whoever comes beyond that wait a second, until TCP asks again: a test that starts 200 consumers does. */
const DEFAULT_BACKLOG = 1024

/** The folder of all logs. Throws `ConfigError`. */
export function dataPath(config: BrokerConfig): string {
  const paths = config.get('log.dirs')
  if (paths.length === 1) return paths[0]!
  throw new ConfigError(`log.dirs=${paths.join(',')}: one folder, as Odradek keeps all logs in one`)
}

/** What the metadata log tells of the listeners: the advertised address, or the one that is bound. */
export function registeredEndpoints(bound: readonly BoundListener[], config: BrokerConfig) {
  return bound.flatMap(({ name, host, port }) => {
    const listener = config.listeners.find((each) => each.name === name)
    if (listener?.isAdvertised === false) return []
    return [{ name, host: listener?.advertised?.host ?? host, port: listener?.advertised?.port || port }]
  })
}

/** What concerns storage, as it is now. */
export function storageSettings(config: BrokerConfig): StorageSettings {
  return {
    retentionCheckIntervalMs: config.get('log.retention.check.interval.ms'),
    initialTaskDelayMs: config.get('log.initial.task.delay.ms'),
    flushOffsetCheckpointIntervalMs: config.get('log.flush.offset.checkpoint.interval.ms'),
    segmentDeleteDelayMs: config.get('log.segment.delete.delay.ms'),
    producerIdExpirationMs: config.get('producer.id.expiration.ms'),
    cleaner: {
      isEnabled: config.get('log.cleaner.enable'),
      backoffMs: config.get('log.cleaner.backoff.ms'),
      dedupeBufferBytes: config.get('log.cleaner.dedupe.buffer.size'),
      loadFactor: config.get('log.cleaner.io.buffer.load.factor'),
      ioBufferBytes: config.get('log.cleaner.io.buffer.size'),
      maxBytesPerSecond: config.get('log.cleaner.io.max.bytes.per.second'),
    },
  }
}

/** What the network goes by. */
export function serverLimits(config: BrokerConfig): ServerLimits {
  return {
    maxRequestBytes: config.get('socket.request.max.bytes'),
    maxIdleMs: config.get('connections.max.idle.ms'),
    maxConnections: config.get('max.connections'),
    maxConnectionsPerIp: config.get('max.connections.per.ip'),
    maxConnectionsPerIpOverrides: limitsByAddress(config.get('max.connections.per.ip.overrides')),
    backlog: config.isSet(BACKLOG_PROPERTY) ? config.get(BACKLOG_PROPERTY) : DEFAULT_BACKLOG,
  }
}

/** `address:count,address:count`; an IPv6 address has colons of its own. */
function limitsByAddress(text: string): Map<string, number> {
  const limits = new Map<string, number>()
  for (const entry of text.split(',')) {
    const at = entry.lastIndexOf(':')
    if (at > 0) limits.set(entry.slice(0, at).trim(), Number(entry.slice(at + 1)))
  }
  return limits
}
