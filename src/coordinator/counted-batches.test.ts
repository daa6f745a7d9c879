import { expect, test } from 'vitest'
import { buildBatch } from '../protocol/batch-builder.ts'
import { readRecords } from '../protocol/record.ts'
import { countedBatches } from './counted-batches.ts'

const ABORT = 0
const COMMIT = 1

/** A log of batches: by nobody, by the transaction of a producer, or the mark that ends one. */
function log(...batches: readonly (string | [producerId: number, value: string | number])[]): Buffer[] {
  return batches.map((each, at) => {
    const [producer, content] = typeof each === 'string' ? [-1, each] : each
    const isControl = typeof content === 'number'
    const key = isControl ? Buffer.from([0, 0, 0, content]) : Buffer.from('key')
    const value = isControl ? Buffer.alloc(6) : Buffer.from(content)
    return buildBatch({
      baseOffset: BigInt(at),
      leaderEpoch: 0,
      isControl,
      isTransactional: producer >= 0,
      producerId: BigInt(producer),
      producerEpoch: producer >= 0 ? 0 : -1,
      baseSequence: isControl || producer < 0 ? -1 : at,
      records: [{ key, value, headers: [], timestamp: 1n }],
    })
  })
}

function counted(batches: readonly Buffer[]): string[] {
  // In one buffer, as a log gives them.
  const found = countedBatches(() => [Buffer.concat(batches)])
  return Array.from(found, (batch) => [...readRecords(batch)][0]!.value!.toString())
}

test('what transactions wrote counts when they were committed, and their marks never do', () => {
  const batches = log(
    'plain',
    [7, 'committed'],
    [8, 'aborted'],
    [7, 'committed too'],
    [7, COMMIT],
    'between',
    [8, ABORT],
    [7, 'of the next, aborted'],
    [7, ABORT],
    [8, 'of the next, committed'],
    [8, COMMIT],
    [9, 'not ended'],
  )
  expect(counted(batches)).toEqual([
    'plain',
    'committed',
    'committed too',
    'between',
    'of the next, committed',
  ])
})

test('a log without transactions is read once', () => {
  let reads = 0
  const found = [
    ...countedBatches(() => {
      reads++
      return log('a', 'b')
    }),
  ]
  expect([found.length, reads]).toEqual([2, 1])
})
