import { expect, test } from 'vitest'
import { encodeProducerSnapshot } from '../log/producer-snapshot.ts'
import { OffsetCommitKey, OffsetCommitValue } from '../protocol/generated/consumer-offsets-records.ts'
import { buildMessageSet } from '../protocol/legacy-builder.ts'
import { Writer } from '../protocol/writer.ts'
import { batch, filesOf, itemsOf, record, START_TIME } from './test-support/sample-log.ts'

const ROUNDS = 300
const FOLDER = '/data/__consumer_offsets-0'
const BASE = '00000000000000000000'

/** Numbers that are the same in every run. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state
  }
}

function commit(): ReturnType<typeof record> {
  const key = new Writer()
  key.int16(1)
  OffsetCommitKey.encode(key, { group: 'g', topic: 't', partition: 0 }, 0)
  const value = new Writer()
  value.int16(3)
  const message = {
    offset: 1n,
    leaderEpoch: 0,
    metadata: '',
    commitTimestamp: 1n,
    expireTimestamp: -1n,
    topicId: '',
  }
  OffsetCommitValue.encode(value, message, 3)
  return record(value.finishCopy(), key.finishCopy())
}

/** A file of each kind, as it should be. */
function sound(): Record<string, Buffer> {
  const placed = [{ offset: 9n, timestamp: START_TIME, key: null, value: Buffer.from('old') }]
  const index = Buffer.alloc(24)
  index.writeInt32BE(2, 8)
  const producer = {
    producerId: 1n,
    producerEpoch: 0,
    lastSequence: 0,
    lastOffset: 0n,
    offsetDelta: 0,
    timestamp: 0n,
    coordinatorEpoch: 0,
    currentTxnFirstOffset: -1n,
  }
  return {
    [`${BASE}.log`]: Buffer.concat([
      batch(0n, [], { records: [commit(), commit()] }),
      batch(2n, ['a', 'b'], { compression: 'gzip' }),
      batch(4n, ['c'.repeat(100)], { compression: 'snappy' }),
      batch(5n, ['d'.repeat(100)], { compression: 'lz4' }),
      buildMessageSet({ magic: 1, records: placed, compression: 'gzip' }),
    ]),
    [`${BASE}.index`]: index,
    [`${BASE}.timeindex`]: Buffer.alloc(36, 1),
    [`${BASE}.txnindex`]: Buffer.alloc(68),
    [`${BASE}.snapshot`]: encodeProducerSnapshot([producer]),
    'leader-epoch-checkpoint': Buffer.from('0\n1\n0 0\n'),
    'partition.metadata': Buffer.from('version: 0\ntopic_id: b8tRS7h4TJ2Vt43Dp85v2A\n'),
  }
}

test('whatever the bytes are, a dump tells what is wrong and goes on', async () => {
  const random = numbers(1)
  const below = (limit: number) => random.next().value % limit
  let problems = 0
  for (let round = 0; round < ROUNDS; round++) {
    const contents = sound()
    for (const bytes of Object.values(contents)) {
      for (let changes = below(4); changes > 0; changes--) bytes[below(bytes.length)] = below(256)
    }
    const files = filesOf(
      Object.fromEntries(Object.entries(contents).map(([name, bytes]) => [`${FOLDER}/${name}`, bytes])),
    )
    const items = await itemsOf(files, FOLDER, { records: true, data: true })
    expect(items.filter(({ type }) => type === 'file')).toHaveLength(7)
    problems += items.filter(({ type }) => type === 'problem').length
  }
  expect(problems).toBeGreaterThan(ROUNDS)
})
