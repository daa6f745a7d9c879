import type { SimulatedRandom } from '../../src/platform/simulated-random.ts'
import { READ_COMMITTED, READ_UNCOMMITTED } from './fetching.ts'
import type { Action, Cut, Flushing } from './plan.ts'
import { COMMITTERS, CONSUMERS, isIdempotent, MEMBERS, PRODUCERS } from './plan-people.ts'
import { alteration, createTopic, isKeyed, KEYED_TOPICS, MAX_PARTITIONS, TOPICS } from './plan-topics.ts'

/** What a plan has most of: with everything at once, rare things hardly meet. */
export type Focus = 'everything' | 'compaction' | 'groups' | 'reading' | 'outages'

const SECOND = 1000
const MINUTE = 60 * SECOND

/** How often each kind of step comes. */
const WEIGHTS: readonly (readonly [Action['kind'], number])[] = [
  ['produce', 40],
  ['consume', 12],
  ['poll', 5],
  ['seek', 5],
  ['commit', 10],
  ['check-commit', 4],
  ['join', 6],
  ['leave', 2],
  ['vanish', 2],
  ['create-topic', 5],
  ['delete-topic', 2],
  ['create-partitions', 2],
  ['delete-records', 4],
  ['alter-config', 5],
  ['stop', 2],
  ['kill', 4],
  ['lose-power', 5],
  ['die', 4],
  ['maintain', 3],
  ['disk-fails', 2],
  ['disk-full', 1],
  ['files-exhausted', 1],
  ['disk-slow', 2],
  ['disk-healed', 3],
  ['write-back', 3],
  ['cut-all', 1],
]

/** So much more often than usual some kinds come. */
const MORE: Readonly<Record<Focus, Partial<Record<Action['kind'], number>>>> = {
  everything: {},
  compaction: { produce: 2, maintain: 5, die: 3, join: 0, 'create-partitions': 0 },
  groups: {
    join: 6,
    leave: 4,
    vanish: 4,
    commit: 3,
    'check-commit': 3,
    'create-topic': 2,
    'delete-topic': 2,
  },
  reading: {
    consume: 5,
    poll: 5,
    seek: 4,
    stop: 3,
    kill: 2,
    'disk-fails': 0,
    'disk-full': 0,
    'lose-power': 0.4,
  },
  outages: { stop: 2, kill: 2, 'lose-power': 3, die: 4, 'delete-records': 3, 'write-back': 2 },
}

export function focusOf(random: SimulatedRandom): Focus {
  return random.pick(['everything', 'everything', 'compaction', 'compaction', 'groups', 'reading', 'outages'])
}

function kindOf(random: SimulatedRandom, focus: Focus): Action['kind'] {
  const weights = WEIGHTS.map(
    ([kind, weight]) => [kind, Math.round(weight * (MORE[focus][kind] ?? 1))] as const,
  )
  let left = random.integer(weights.reduce((sum, [, weight]) => sum + weight, 0))
  for (const [kind, weight] of weights) {
    left -= weight
    if (left < 0) return kind
  }
  return 'produce'
}

function topicOf(random: SimulatedRandom, focus: Focus): string {
  // Large reads come of what many have written to.
  if (focus === 'reading' && random.chance(60)) return TOPICS[0]!
  if (random.chance(focus === 'compaction' ? 85 : 20)) return random.pick(KEYED_TOPICS)
  return random.pick(TOPICS.slice(0, random.chance(80) ? 2 : 4))
}

export function action(random: SimulatedRandom, flushing: Flushing, focus: Focus): Action {
  const kind = kindOf(random, focus)
  const topic = topicOf(random, focus)
  const partition = random.integer(random.chance(70) ? 1 : MAX_PARTITIONS)
  switch (kind) {
    case 'produce':
      return { kind, topic, partition, ...production(random, focus, topic) }
    case 'consume':
      return {
        kind,
        consumer: random.integer(CONSUMERS),
        topic,
        partition,
        maxBytes: random.pick(focus === 'reading' ? [2000, 1_000_000, 1_000_000] : [300, 2000, 1_000_000]),
        isPipelined: random.chance(20),
        isFromStart: random.chance(focus === 'reading' ? 50 : 15),
        isolationLevel: random.pick([READ_UNCOMMITTED, READ_COMMITTED]),
      }
    case 'poll':
      return {
        kind,
        maxBytes: random.pick([300, 2000, 1_000_000]),
        isolationLevel: random.pick([READ_UNCOMMITTED, READ_COMMITTED]),
        isAnew: random.chance(focus === 'reading' ? 30 : 10),
      }
    case 'seek':
      return {
        kind,
        topic,
        partition,
        percent: random.chance(25) ? undefined : random.integer(101),
        shiftMs: random.pick([-1, 0, 0, 1]),
      }
    case 'commit':
    case 'check-commit':
      return {
        kind,
        committer: random.integer(COMMITTERS),
        group: random.pick(['group-a', 'group-b']),
        topic,
        partition,
        cut: cut(random, 10, 120),
      }
    case 'join':
    case 'leave':
    case 'vanish':
      return { kind, member: random.integer(MEMBERS) }
    case 'create-topic':
      return createTopic(random, flushing, topic, focus === 'reading')
    case 'delete-topic':
      return { kind, topic }
    case 'create-partitions':
      return { kind, topic, more: 1 + random.integer(2) }
    case 'delete-records':
      return { kind, topic, partition, percent: random.integer(101) }
    case 'alter-config':
      return { kind, topic, ...alteration(random, topic) }
    case 'stop':
    case 'kill':
    case 'lose-power':
      return { kind, downMs: random.integer(random.chance(80) ? SECOND : MINUTE) }
    case 'die':
      return {
        kind,
        n: 1 + random.integer(random.pick([10, 40])),
        isPowerLost: random.chance(50),
        isInMaintenance: random.chance(70),
        downMs: random.integer(SECOND),
      }
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

function production(random: SimulatedRandom, focus: Focus, topic: string) {
  const producer = random.integer(PRODUCERS)
  const batches = Array.from({ length: random.chance(75) ? 1 : 1 + random.integer(4) }, () =>
    random.chance(70) ? 1 + random.integer(3) : 1 + random.integer(40),
  )
  const valueBytes = random.chance(focus === 'reading' ? 70 : 90)
    ? random.integer(100)
    : random.integer(sizeLimit(random, focus))
  const keys = isKeyed(topic) ? random.pick([2, 5, 5, 30]) : 0
  const ageMs = random.chance(60) ? 0 : random.integer(random.pick([SECOND, MINUTE]))
  // Who is idempotent has to wait for the replicas.
  const acks = isIdempotent(producer) ? -1 : random.pick([-1, -1, 1, 0])
  return { producer, batches, valueBytes, keys, ageMs, acks, cut: cut(random, 25, 200 + valueBytes) }
}

/** Large ones are read in another way than small ones: off the main thread, into memory that is used again. */
function sizeLimit(random: SimulatedRandom, focus: Focus): number {
  return focus === 'reading' ? random.pick([3000, 40_000, 40_000]) : random.pick([3000, 3000, 8000])
}

function cut(random: SimulatedRandom, percent: number, bytes: number): Cut | undefined {
  if (!random.chance(percent)) return undefined
  return random.chance(50)
    ? { direction: 'sent', bytes: random.integer(bytes) }
    : { direction: 'received', bytes: random.integer(40) }
}
