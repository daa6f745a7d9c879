import type { SimulatedRandom } from '../../src/platform/simulated-random.ts'
import { READ_UNCOMMITTED } from './fetching.ts'
import type { Action, Flushing } from './plan.ts'
import type { Focus } from './plan-actions.ts'
import { CONSUMERS, isIdempotent, PRODUCERS } from './plan-people.ts'
import { isKeyed, MAX_PARTITIONS, TOPICS } from './plan-topics.ts'

/** A step of an episode, so long after the one before. */
export interface Beat {
  readonly afterMs: number
  readonly action: Action
}

/** In so many of a hundred places of a plan. */
const EPISODES: Readonly<Record<Focus, number>> = {
  everything: 1,
  compaction: 0,
  groups: 0,
  reading: 6,
  outages: 10,
}

const SEGMENT_MS = 10_000
const LONGER_MS = 12_000

/** Steps that seldom come in this order by chance, and that some faults need; undefined when none are due. */
export function episode(
  random: SimulatedRandom,
  flushing: Flushing,
  focus: Focus,
): readonly Beat[] | undefined {
  if (!random.chance(EPISODES[focus])) return undefined
  if (focus === 'reading') return rush(random)
  // Where all is flushed at once there is nothing to lose.
  return flushing === 'always' ? undefined : relapse(random)
}

/**
 * All consumers read a lot of one partition at the same time, from its files, as the broker has forgotten what it had in memory: large reads
 * are under way beside each other, into memory that is used again.
 */
function rush(random: SimulatedRandom): Beat[] {
  const topic = TOPICS[0]!
  const partition = 0
  const fill = (): Beat => ({
    afterMs: random.integer(10),
    action: produced(random, topic, partition, {
      batches: [4, 4, 4],
      valueBytes: 20_000 + random.integer(20_000),
    }),
  })
  const read = (consumer: number): Beat => ({
    afterMs: random.integer(8),
    action: {
      kind: 'consume',
      consumer,
      topic,
      partition,
      maxBytes: random.pick([200_000, 400_000, 1_000_000]),
      isPipelined: false,
      isFromStart: true,
      isolationLevel: READ_UNCOMMITTED,
    },
  })
  return [
    fill(),
    { afterMs: 3000, action: { kind: random.pick(['stop', 'kill']), downMs: random.integer(100) } },
    ...Array.from({ length: CONSUMERS }, (_, consumer) => ({
      ...read(consumer),
      ...(consumer === 0 ? { afterMs: 4000 } : {}),
    })),
  ]
}

/**
 * Power is lost right behind an append, so that a torn batch may lie behind all that was flushed. Recovery cuts it off, the next append
 * begins a new segment, and power is lost again: what was cut must not come back in a segment that nobody looks at any more.
 */
function relapse(random: SimulatedRandom): Beat[] {
  const topic = random.pick(TOPICS.slice(0, 2))
  const partition = random.integer(random.chance(70) ? 1 : MAX_PARTITIONS)
  const append = (afterMs: number, batches: readonly number[], valueBytes: number): Beat => ({
    afterMs,
    action: produced(random, topic, partition, { batches, valueBytes }),
  })
  const ends = (afterMs: number, kind: 'stop' | 'lose-power'): Beat => ({
    afterMs,
    action: { kind, downMs: random.integer(100) },
  })
  const alter = (afterMs: number, value: string | null): Beat => ({
    afterMs,
    action: { kind: 'alter-config', topic, name: 'segment.ms', value },
  })
  return [
    alter(0, String(SEGMENT_MS)),
    append(LONGER_MS, [1, 1], random.integer(100)),
    ends(30, 'stop'),
    append(random.pick([300, 3000]), [2, 2, 2], 300 + random.integer(1000)),
    ends(5 + random.integer(30), 'lose-power'),
    append(LONGER_MS, [1], random.integer(100)),
    // It goes to the device, and with a journal the name of the new segment too.
    alter(30, null),
    ends(random.pick([50, 1000, 3000]), 'lose-power'),
  ]
}

function produced(
  random: SimulatedRandom,
  topic: string,
  partition: number,
  { batches, valueBytes }: { batches: readonly number[]; valueBytes: number },
): Action {
  const producer = random.integer(PRODUCERS)
  return {
    kind: 'produce',
    producer,
    topic,
    partition,
    batches,
    valueBytes,
    keys: isKeyed(topic) ? 5 : 0,
    ageMs: 0,
    acks: isIdempotent(producer) ? -1 : random.pick([-1, 1]),
    cut: undefined,
  }
}
