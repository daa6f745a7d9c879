import { expect, test } from 'vitest'
import { fileError } from '../platform/file-tree.ts'
import { silentLogger } from '../platform/logger.ts'
import { ManualClock } from '../platform/manual-clock.ts'
import { MemoryFiles } from '../platform/memory-files.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import { DataDirectory } from './data-directory.ts'
import { Partitions } from './partitions.ts'
import { append, DATA, seededRandom, storageSettings, TOPIC_ID, topicConfig } from './test-support/storage.ts'

const CHECKPOINT = `${DATA}/log-start-offset-checkpoint`

/** Counts how often the checkpoint of log starts is put in place, and refuses that when told. */
class Disk extends MemoryFiles {
  writes = 0
  isFull = false

  override rename(from: string, to: string): void {
    if (to === CHECKPOINT) {
      if (this.isFull) throw fileError('ENOSPC', 'rename', to)
      this.writes++
    }
    super.rename(from, to)
  }
}

function opened() {
  const files = new Disk()
  const directory = DataDirectory.open({ files, random: seededRandom(), path: DATA, nodeId: 1 })
  const options = { directory, clock: new ManualClock(), random: seededRandom(), logger: silentLogger }
  const partitions = new Partitions({ ...options, settings: () => storageSettings })
  const rest = { topicId: TOPIC_ID, leaderEpoch: 0, partitionEpoch: 0, replicas: [1], isr: [1] }
  const config = topicConfig({ 'segment.bytes': 100 })
  const made = Array.from({ length: 5 }, (_, partition) => {
    const one = partitions.create({ ...rest, topic: 't', partition, config })
    for (const value of ['a', 'b', 'c']) append(one, value)
    return one
  })
  return { files, partitions, made, starts: () => made.map(({ log }) => Number(log.logStartOffset)) }
}

test('however many partitions a request names, where they start is written once', () => {
  const { files, partitions, made, starts } = opened()
  const wanted = [2n, 0n, 4n, 3n, 1n]
  const deletions = made.map((partition, index) => ({ partition, offset: wanted[index]! }))
  const outcomes = partitions.deleteRecords(deletions)
  expect(outcomes).toEqual([2n, 0n, expect.objectContaining({ code: ErrorCode.OFFSET_OUT_OF_RANGE }), 3n, 1n])
  expect(starts()).toEqual([2, 0, 0, 3, 1])
  expect(files.writes).toBe(1)
  expect(files.read(CHECKPOINT).toString().split('\n').slice(2, -1).sort()).toEqual([
    't 0 2',
    't 3 3',
    't 4 1',
  ])
  expect(made[3]!.log.firstSegmentOffset).toBe(2n)
  expect(partitions.deleteRecords(deletions.slice(0, 2))).toEqual([2n, 0n])
  expect(files.writes).toBe(1)
})

test('when that fails nothing is deleted, and it can be tried again', () => {
  const { files, partitions, made, starts } = opened()
  const deletions = made.map((partition) => ({ partition, offset: 2n }))
  files.isFull = true
  const refused = expect.objectContaining({ code: ErrorCode.KAFKA_STORAGE_ERROR })
  expect(partitions.deleteRecords(deletions)).toEqual(made.map(() => refused))
  expect(starts()).toEqual([0, 0, 0, 0, 0])
  expect(made.map(({ log }) => log.firstSegmentOffset)).toEqual([0n, 0n, 0n, 0n, 0n])
  files.isFull = false
  expect(partitions.deleteRecords(deletions)).toEqual([2n, 2n, 2n, 2n, 2n])
})
