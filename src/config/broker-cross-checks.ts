import type { BrokerConfig } from './broker-config.ts'
import { type BrokerPropertyName, brokerProperty } from './broker-properties.ts'
import { invalidValue } from './config-error.ts'
import { assignorName } from './consumer-assignors.ts'

const MEBIBYTE = 1_048_576

/** Rules across values, as Kafka checks them when it starts and when one changes. Throws `ConfigError`. */
export function brokerCrossChecks(config: BrokerConfig): void {
  const refuse = (name: BrokerPropertyName, isRefused: boolean, allowed: string) => {
    if (isRefused) throw invalidValue(name, String(config.get(name)), allowed)
  }
  for (const name of ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'] as const) {
    refuse(name, config.get(name) === 0, '-1, for no limit, or at least 1')
  }
  refuse('log.roll.ms', config.get('log.roll.ms') < 1, 'at least 1')
  refuse('log.roll.jitter.ms', config.get('log.roll.jitter.ms') < 0, 'at least 0')
  refuse('log.dirs', config.get('log.dirs').length === 0, 'a list that is not empty')
  refuse(
    'log.cleaner.dedupe.buffer.size',
    config.get('log.cleaner.dedupe.buffer.size') / config.get('log.cleaner.threads') <= MEBIBYTE,
    `more than ${MEBIBYTE} for each of log.cleaner.threads=${config.get('log.cleaner.threads')}`,
  )
  refuse(
    'queued.max.request.bytes',
    config.get('queued.max.request.bytes') > 0 &&
      config.get('queued.max.request.bytes') < config.get('socket.request.max.bytes'),
    `-1 or at least socket.request.max.bytes=${config.get('socket.request.max.bytes')}`,
  )
  refuse(
    'replica.fetch.wait.max.ms',
    config.get('replica.fetch.wait.max.ms') > config.get('replica.lag.time.max.ms'),
    `at most replica.lag.time.max.ms=${config.get('replica.lag.time.max.ms')}`,
  )
  refuse('offsets.commit.timeout.ms', config.get('offsets.commit.timeout.ms') <= 0, 'at least 1')
  const assignors = config.get('group.consumer.assignors')
  refuse(
    'group.consumer.assignors',
    assignors.length === 0 || assignors.some((text) => assignorName(text) === undefined),
    'uniform, range or both: other assignors are Java classes, and there is no Java here',
  )
  refuse(
    'max.connections.per.ip',
    config.get('max.connections.per.ip') === 0 && config.get('max.connections.per.ip.overrides') === '',
    'at least 1 without max.connections.per.ip.overrides',
  )
  const logDirs = config.get('log.dirs')
  const cordoned = config.get('cordoned.log.dirs')
  refuse(
    'cordoned.log.dirs',
    String(cordoned) !== '*' && cordoned.some((directory) => !logDirs.includes(directory)),
    `* or a list out of log.dirs=${logDirs}`,
  )
  checkGroupRanges(config)
}

/** Rules that Kafka checks only when it starts. Throws `ConfigError`. */
export function startChecks(config: BrokerConfig): void {
  const min = config.get('log.cleaner.min.compaction.lag.ms')
  const max = config.get('log.cleaner.max.compaction.lag.ms')
  if (min > max) {
    throw invalidValue(
      'log.cleaner.min.compaction.lag.ms',
      String(min),
      `at most log.cleaner.max.compaction.lag.ms=${max}`,
    )
  }
}

/** `group.consumer.session.timeout.ms` lies between `group.consumer.min.` and `group.consumer.max.session.timeout.ms`, and all like it. */
function checkGroupRanges(config: BrokerConfig): void {
  for (const kind of ['consumer', 'share', 'streams']) {
    for (const what of GROUP_RANGES) {
      const name = `group.${kind}.${what}` as BrokerPropertyName
      if (!brokerProperty(name)) continue
      const allowed = groupRange(config, kind, what)
      const value = config.get(name) as number
      if (value < allowed.min || value > allowed.max) throw invalidValue(name, String(value), allowed.words)
    }
  }
}

/** Settings of groups that have a lower and an upper limit at the broker. */
export const GROUP_RANGES: readonly string[] = [
  'session.timeout.ms',
  'heartbeat.interval.ms',
  'assignment.interval.ms',
  'delivery.count.limit',
  'partition.max.record.locks',
  'record.lock.duration.ms',
  'num.standby.replicas',
]

/** Limits of a setting of groups, which the broker may have under `group.<kind>.min.` and `.max.`. */
export function groupRange(
  config: BrokerConfig,
  kind: string,
  what: string,
): { min: number; max: number; words: string } {
  const limited = what.replace(/^num\./, '')
  const limit = (end: 'min' | 'max', otherwise: number) => {
    const name = `group.${kind}.${end}.${limited}` as BrokerPropertyName
    return brokerProperty(name)
      ? { value: config.get(name) as number, name }
      : { value: otherwise, name: undefined }
  }
  const min = limit('min', Number.NEGATIVE_INFINITY)
  const max = limit('max', Number.POSITIVE_INFINITY)
  const words = [
    min.name && `at least ${min.name}=${min.value}`,
    max.name && `at most ${max.name}=${max.value}`,
  ]
  return { min: min.value, max: max.value, words: words.filter(Boolean).join(' and ') }
}
