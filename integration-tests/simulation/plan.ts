import { SimulatedRandom } from '../../src/platform/simulated-random.ts'
import { action, type Focus, focusOf } from './plan-actions.ts'
import { episode } from './plan-episodes.ts'
import { createTopic, KEYED_TOPICS, TOPICS } from './plan-topics.ts'

/** What is done in a simulation, by whom. Each step carries what chance decided, so that others can be dropped. */
export type Action =
  | {
      readonly kind: 'produce'
      readonly producer: number
      readonly topic: string
      readonly partition: number
      /** Records of each batch; the batches go out without waiting for answers. */
      readonly batches: readonly number[]
      readonly valueBytes: number
      /** So many keys records have; 0: none. */
      readonly keys: number
      /** Records are up to so much older than now. */
      readonly ageMs: number
      readonly acks: number
      readonly cut: Cut | undefined
    }
  | {
      readonly kind: 'consume'
      /** Of one fetch. */
      readonly maxBytes: number
      /** Another request follows each fetch at once. */
      readonly isPipelined: boolean
      /** From the first record on, and not from where it was. */
      readonly isFromStart: boolean
      readonly isolationLevel: number
      readonly consumer: number
      readonly topic: string
      readonly partition: number
    }
  | {
      readonly kind: 'poll'
      /** Of one fetch, and of each of its partitions. */
      readonly maxBytes: number
      readonly isolationLevel: number
      /** With a new session, and all from the start. */
      readonly isAnew: boolean
    }
  | {
      readonly kind: 'seek'
      readonly topic: string
      readonly partition: number
      /** The time of the record at such a place of the log, or a moment beside it; undefined: the latest one. */
      readonly percent: number | undefined
      readonly shiftMs: number
    }
  | {
      readonly kind: 'commit' | 'check-commit'
      readonly committer: number
      readonly group: string
      readonly topic: string
      readonly partition: number
      readonly cut: Cut | undefined
    }
  | { readonly kind: 'join' | 'leave' | 'vanish'; readonly member: number }
  | {
      readonly kind: 'create-topic'
      readonly topic: string
      readonly partitions: number
      readonly configs: readonly (readonly [string, string])[]
    }
  | { readonly kind: 'delete-topic'; readonly topic: string }
  | { readonly kind: 'create-partitions'; readonly topic: string; readonly more: number }
  | {
      readonly kind: 'delete-records'
      readonly topic: string
      readonly partition: number
      readonly percent: number
    }
  | {
      readonly kind: 'alter-config'
      readonly topic: string
      readonly name: string
      readonly value: string | null
    }
  | { readonly kind: 'stop' | 'kill' | 'lose-power'; readonly downMs: number }
  | {
      readonly kind: 'die'
      /** The n-th change of a file from here on is the last that the broker tries. */
      readonly n: number
      readonly isPowerLost: boolean
      /** Compaction and retention are made to begin. */
      readonly isInMaintenance: boolean
      readonly downMs: number
    }
  | {
      readonly kind: 'disk-fails'
      readonly n: number
      readonly count: number
      readonly code: string
      readonly isTorn: boolean
    }
  | { readonly kind: 'disk-full'; readonly spareBytes: number }
  | { readonly kind: 'files-exhausted' | 'disk-slow' | 'disk-healed' | 'write-back' | 'cut-all' | 'maintain' }

/** A connection that breaks while a request is on its way, behind so many bytes of it or of its answer. */
export interface Cut {
  readonly direction: 'sent' | 'received'
  readonly bytes: number
}

export type Step = Action & { readonly id: number; readonly atMs: number }

/** When logs go to the device: after each append, or when the broker's timers say so. */
export type Flushing = 'always' | 'by-topic' | 'late'

export interface Plan {
  readonly seed: number
  readonly flushing: Flushing
  readonly focus: Focus
  /** How long the device takes for a flush at most. */
  readonly diskDelayMs: number
  readonly properties: Readonly<Record<string, string>>
  readonly steps: readonly Step[]
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Draws everything that is going to be done from a seed. */
export function planOf(seed: number): Plan {
  const random = new SimulatedRandom(seed).fork('plan')
  const flushing = random.pick<Flushing>(['always', 'by-topic', 'late', 'late'])
  const steps: Step[] = []
  const count = 60 + random.integer(120)
  let atMs = SECOND
  const focus = focusOf(random)
  for (const topic of [...TOPICS.slice(0, 2), ...KEYED_TOPICS]) {
    steps.push({ id: steps.length, atMs, ...createTopic(random, flushing, topic, focus === 'reading') })
  }
  while (steps.length < count) {
    atMs += pause(random)
    const beats = episode(random, flushing, focus) ?? [
      { afterMs: 0, action: action(random, flushing, focus) },
    ]
    for (const beat of beats) {
      atMs += beat.afterMs
      steps.push({ id: steps.length, atMs, ...beat.action })
    }
  }
  const diskDelayMs = random.pick([4, 4, 100, 2000])
  return { seed, flushing, focus, diskDelayMs, properties: properties(random, flushing), steps }
}

/** Mostly close together, so that things overlap; now and then long enough for every timer. */
function pause(random: SimulatedRandom): number {
  const kind = random.integer(100)
  if (kind < 60) return random.integer(40)
  if (kind < 85) return random.integer(3 * SECOND)
  if (kind < 95) return random.integer(2 * MINUTE)
  return random.integer(random.pick([HOUR, 6 * HOUR]))
}

function properties(random: SimulatedRandom, flushing: Flushing): Record<string, string> {
  return {
    'offsets.topic.num.partitions': '3',
    // Topics that say nothing else of it, as that of the offsets, have small segments.
    'log.index.size.max.bytes': random.pick(['16', '80', '10485760']),
    'offsets.retention.minutes': '525600',
    'log.index.interval.bytes': random.pick(['0', '0', '100', '1000']),
    'log.retention.check.interval.ms': random.pick(['20000', '60000', '300000']),
    'log.flush.offset.checkpoint.interval.ms': random.pick(['500', '5000', '60000']),
    'log.cleaner.backoff.ms': random.pick(['30000', '120000', '300000']),
    'log.cleaner.min.cleanable.ratio': random.pick(['0', '0.5']),
    'log.cleaner.io.max.bytes.per.second': random.pick(['2000', '1000000', '1000000']),
    'group.initial.rebalance.delay.ms': random.pick(['0', '3000']),
    ...(flushing === 'always' ? { 'log.flush.interval.messages': '1' } : {}),
  }
}
