import { describe, expect, test } from 'vitest'
import { ManualClock } from '../platform/manual-clock.ts'
import { SimulatedFiles } from '../platform/simulated-files.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import { MetadataHarness, newTopic } from './test-support/metadata-harness.ts'

const storageError = expect.objectContaining({ code: ErrorCode.KAFKA_STORAGE_ERROR })
const settle = () => new Promise((resolve) => setImmediate(resolve))

/** Flushes end when the test says so. */
async function setUp() {
  const files = new SimulatedFiles()
  const clock = new ManualClock()
  const harness = await MetadataHarness.start({ files, clock })
  const waiting: (() => void)[] = []
  files.complete = (task) => waiting.push(task)
  const endFlushes = async () => {
    for (const task of waiting.splice(0)) task()
    await settle()
  }
  const flushes = () => files.faults.calls.filter((call) => call.startsWith('fdatasync')).length
  return { ...harness, files, clock, endFlushes, flushes }
}

describe('a change of the metadata', () => {
  test('is answered and known to brokers when the device has it, not before', async () => {
    const { controller, image, endFlushes } = await setUp()
    let isAnswered = false
    const created = controller.createTopic(newTopic('a')).then(() => {
      isAnswered = true
    })
    await settle()
    expect([isAnswered, image.topic('a')]).toEqual([false, undefined])
    await endFlushes()
    expect(isAnswered).toBe(true)
    expect(image.topic('a')).toBeDefined()
    await created
  })

  test('shares a flush with those that come while another one is under way', async () => {
    const { controller, image, flushes, endFlushes } = await setUp()
    const before = flushes()
    const first = controller.createTopic(newTopic('first'))
    const others = Array.from({ length: 10 }, (_, index) => controller.createTopic(newTopic(`t-${index}`)))
    await endFlushes()
    await first
    expect([...image.topics.keys()]).toEqual(['first'])
    await endFlushes()
    await Promise.all(others)
    expect(image.topics.size).toBe(11)
    expect(flushes() - before).toBe(2)
  })

  test('is waited for by who has seen it, although he changes nothing', async () => {
    const { controller, endFlushes } = await setUp()
    const order: string[] = []
    const created = controller.createTopic(newTopic('a')).then(() => order.push('created'))
    const again = controller.createTopics([newTopic('a')]).then(([outcome]) => {
      order.push('there already')
      expect(outcome?.error?.code).toBe(ErrorCode.TOPIC_ALREADY_EXISTS)
    })
    const ensured = controller.autoCreateTopic('a').then(() => order.push('ensured'))
    await settle()
    expect(order).toEqual([])
    await endFlushes()
    await endFlushes()
    await Promise.all([created, again, ensured])
    expect(order[0]).toBe('created')
  })

  test('that the device refuses is an error, and no broker ever learns of it', async () => {
    const { controller, image, files, clock, endFlushes } = await setUp()
    const answer = controller.createTopic(newTopic('a'))
    files.failAt(1, { count: 1 })
    const refused = expect(answer).rejects.toEqual(storageError)
    await endFlushes()
    await refused
    await expect(controller.createTopic(newTopic('b'))).rejects.toEqual(storageError)
    // What nobody can be promised is not shown either.
    await expect(controller.createTopics([newTopic('a')])).rejects.toEqual(storageError)
    clock.advance(60_000)
    await endFlushes()
    expect(image.topics.size).toBe(0)
  })

  test('whose file could not even be opened comes true by itself a second later', async () => {
    const { controller, image, files, clock, metadataLog, endFlushes } = await setUp()
    const answer = controller.createTopic(newTopic('a'))
    await endFlushes()
    await answer
    files.complete = queueMicrotask
    // As when there are too many open files: they are closed, and opened again when they are needed.
    const creations = ['b', 'c'].map((name) => controller.createTopic(newTopic(name)))
    for (const { file } of metadataLog.log.segments) file.close()
    files.openLimit = 0
    const [first, second] = await Promise.allSettled(creations)
    expect(first!.status).toBe('fulfilled')
    expect(second).toEqual({ status: 'rejected', reason: storageError })
    expect([...image.topics.keys()]).toEqual(['a', 'b'])
    files.openLimit = 10
    clock.advance(1000)
    await settle()
    expect([...image.topics.keys()]).toEqual(['a', 'b', 'c'])
  })
})
