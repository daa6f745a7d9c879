import { SimulatedRandom } from '../../src/platform/simulated-random.ts'

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
      readonly acks: number
      readonly cut: Cut | undefined
    }
  | {
      readonly kind: 'consume'
      /** Of one fetch. */
      readonly maxBytes: number
      /** Another request follows each fetch at once. */
      readonly isPipelined: boolean
      readonly consumer: number
      readonly topic: string
      readonly partition: number
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
      readonly kind: 'disk-fails'
      readonly n: number
      readonly count: number
      readonly code: string
      readonly isTorn: boolean
    }
  | { readonly kind: 'disk-full'; readonly spareBytes: number }
  | { readonly kind: 'files-exhausted' | 'disk-slow' | 'disk-healed' | 'write-back' | 'cut-all' }

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
  /** How long the device takes for a flush at most. */
  readonly diskDelayMs: number
  readonly properties: Readonly<Record<string, string>>
  readonly steps: readonly Step[]
}

const TOPICS = ['orders', 'users', 'audit', 'metrics']
export const PRODUCERS = 4
export const CONSUMERS = 2
export const COMMITTERS = 2
export const MEMBERS = 4
const GROUPS = ['group-a', 'group-b']
const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** How often each kind of step comes. */
const WEIGHTS: readonly (readonly [Action['kind'], number])[] = [
  ['produce', 40],
  ['consume', 14],
  ['commit', 12],
  ['check-commit', 4],
  ['join', 4],
  ['leave', 2],
  ['vanish', 1],
  ['create-topic', 5],
  ['delete-topic', 2],
  ['create-partitions', 2],
  ['delete-records', 4],
  ['alter-config', 4],
  ['stop', 2],
  ['kill', 5],
  ['lose-power', 6],
  ['disk-fails', 2],
  ['disk-full', 1],
  ['files-exhausted', 1],
  ['disk-slow', 2],
  ['disk-healed', 3],
  ['write-back', 3],
  ['cut-all', 1],
]

/** Draws everything that is going to be done from a seed. */
export function planOf(seed: number): Plan {
  const random = new SimulatedRandom(seed).fork('plan')
  const flushing = random.pick<Flushing>(['always', 'by-topic', 'late', 'late'])
  const steps: Step[] = []
  const count = 60 + random.integer(120)
  let atMs = SECOND
  for (const topic of TOPICS.slice(0, 2)) {
    steps.push({ id: steps.length, atMs, ...createTopic(random, flushing, topic) })
  }
  while (steps.length < count) {
    atMs += pause(random)
    steps.push({ id: steps.length, atMs, ...action(random, flushing) })
  }
  const diskDelayMs = random.pick([4, 4, 100, 2000])
  return { seed, flushing, diskDelayMs, properties: properties(random, flushing), steps }
}

/** Mostly close together, so that things overlap; now and then long enough for every timer. */
function pause(random: SimulatedRandom): number {
  const kind = random.integer(100)
  if (kind < 60) return random.integer(40)
  if (kind < 85) return random.integer(3 * SECOND)
  if (kind < 95) return random.integer(2 * MINUTE)
  return random.integer(6 * HOUR)
}

function properties(random: SimulatedRandom, flushing: Flushing): Record<string, string> {
  return {
    'offsets.topic.num.partitions': '3',
    'offsets.topic.segment.bytes': random.pick(['1000', '5000', '104857600']),
    'offsets.retention.minutes': '525600',
    'log.index.interval.bytes': random.pick(['0', '100', '1000']),
    'log.retention.check.interval.ms': random.pick(['10000', '60000', '300000']),
    'log.flush.offset.checkpoint.interval.ms': random.pick(['500', '5000', '60000']),
    'group.initial.rebalance.delay.ms': random.pick(['0', '3000']),
    ...(flushing === 'always' ? { 'log.flush.interval.messages': '1' } : {}),
  }
}

function kindOf(random: SimulatedRandom): Action['kind'] {
  let left = random.integer(WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0))
  for (const [kind, weight] of WEIGHTS) {
    left -= weight
    if (left < 0) return kind
  }
  return 'produce'
}

function action(random: SimulatedRandom, flushing: Flushing): Action {
  const kind = kindOf(random)
  const topic = random.pick(TOPICS.slice(0, random.chance(80) ? 2 : 4))
  const partition = random.integer(random.chance(70) ? 1 : 3)
  switch (kind) {
    case 'produce':
      return { kind, topic, partition, ...production(random) }
    case 'consume':
      return {
        kind,
        consumer: random.integer(CONSUMERS),
        topic,
        partition,
        maxBytes: random.pick([300, 2000, 1_000_000]),
        isPipelined: random.chance(20),
      }
    case 'commit':
    case 'check-commit':
      return {
        kind,
        committer: random.integer(COMMITTERS),
        group: random.pick(GROUPS),
        topic,
        partition,
        cut: cut(random, 10, 120),
      }
    case 'join':
    case 'leave':
    case 'vanish':
      return { kind, member: random.integer(MEMBERS) }
    case 'create-topic':
      return createTopic(random, flushing, topic)
    case 'delete-topic':
      return { kind, topic }
    case 'create-partitions':
      return { kind, topic, more: 1 + random.integer(2) }
    case 'delete-records':
      return { kind, topic, partition, percent: random.integer(101) }
    case 'alter-config':
      return { kind, topic, ...alteration(random) }
    case 'stop':
    case 'kill':
    case 'lose-power':
      return { kind, downMs: random.integer(random.chance(80) ? SECOND : MINUTE) }
    case 'disk-fails':
      return {
        kind,
        n: 1 + random.integer(20),
        count: random.chance(60) ? 1 : 1 + random.integer(30),
        code: random.pick(['EIO', 'ENOSPC']),
        isTorn: random.chance(40),
      }
    case 'disk-full':
      return { kind, spareBytes: random.integer(5000) }
    default:
      return { kind }
  }
}

function production(random: SimulatedRandom) {
  const producer = random.integer(PRODUCERS)
  const batches = Array.from({ length: random.chance(75) ? 1 : 1 + random.integer(4) }, () =>
    random.chance(70) ? 1 + random.integer(3) : 1 + random.integer(40),
  )
  const valueBytes = random.chance(90) ? random.integer(100) : random.integer(random.pick([3000, 3000, 8000]))
  // Who is idempotent has to wait for the replicas.
  const acks = isIdempotent(producer) ? -1 : random.pick([-1, -1, 1, 0])
  return { producer, batches, valueBytes, acks, cut: cut(random, 25, 200 + valueBytes) }
}

/** Half of the producers are. */
export function isIdempotent(producer: number): boolean {
  return producer % 2 === 1
}

function cut(random: SimulatedRandom, percent: number, bytes: number): Cut | undefined {
  if (!random.chance(percent)) return undefined
  return random.chance(50)
    ? { direction: 'sent', bytes: random.integer(bytes) }
    : { direction: 'received', bytes: random.integer(40) }
}

function createTopic(random: SimulatedRandom, flushing: Flushing, topic: string): Action {
  const configs: [string, string][] = [
    ['segment.index.bytes', random.pick(['8', '24', '100', '1000'])],
    ['index.interval.bytes', random.pick(['0', '50', '400'])],
    ['file.delete.delay.ms', random.pick(['0', '1000', '60000'])],
  ]
  if (flushing === 'by-topic') configs.push(['flush.messages', random.pick(['1', '1', '3'])])
  if (flushing === 'late' && random.chance(50)) configs.push(['flush.ms', random.pick(['10', '1000'])])
  if (random.chance(20)) configs.push(['retention.ms', random.pick(['1000', '60000', '3600000'])])
  if (random.chance(10)) configs.push(['retention.bytes', random.pick(['0', '500', '5000'])])
  if (random.chance(30)) configs.push(['segment.ms', random.pick(['100', '10000', '600000'])])
  return { kind: 'create-topic', topic, partitions: 1 + random.integer(3), configs }
}

function alteration(random: SimulatedRandom): { name: string; value: string | null } {
  const [name, values] = random.pick<readonly [string, readonly (string | null)[]]>([
    ['retention.ms', ['1000', '60000', '604800000', null]],
    ['retention.bytes', ['0', '500', '-1', null]],
    ['segment.index.bytes', ['8', '24', '1000', null]],
    ['segment.ms', ['100', '10000', null]],
    ['flush.ms', ['10', '1000', null]],
  ])
  return { name, value: random.pick(values) }
}
