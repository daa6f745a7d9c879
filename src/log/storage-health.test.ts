import { expect, test } from 'vitest'
import { silentLogger } from '../platform/logger.ts'
import { ManualClock } from '../platform/manual-clock.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import { StorageHealth } from './storage-health.ts'

function setUp() {
  const lines: string[] = []
  const note = (level: string) => (facts: object, message: string) => {
    const { failures, durationMs } = facts as { failures?: number; durationMs?: number }
    lines.push([level, message, failures, durationMs].filter((each) => each !== undefined).join(' '))
  }
  const clock = new ManualClock()
  const health = new StorageHealth(clock, { ...silentLogger, error: note('error'), warn: note('warn') })
  const fails = (use: 'read' | 'write', code: string) =>
    health.failed(use, '/data/t-0', use, Object.assign(new Error(`${code}: no`), { code, syscall: use }))
  return { lines, clock, health, fails }
}

test('clients are told each time, the log when it begins and when it is over', () => {
  const { lines, clock, health, fails } = setUp()
  for (let attempt = 0; attempt < 3; attempt++) {
    expect(fails('write', 'ENOSPC')).toMatchObject({ code: ErrorCode.KAFKA_STORAGE_ERROR })
    clock.advance(5000)
  }
  expect(health.isTroubled).toBe(true)
  health.worked('write')
  health.worked('write')
  clock.advance(1000)
  expect(health.isTroubled).toBe(false)
  expect(lines).toEqual([
    'error cannot write; it is not said again while it lasts',
    'warn files can be written again 3 15000',
  ])
  fails('write', 'ENOSPC')
  expect(lines).toHaveLength(3)
})

test('what works between failures is not the end of them; another kind of failure is told too', () => {
  const { lines, clock, health, fails } = setUp()
  for (let turn = 0; turn < 5; turn++) {
    fails('write', 'ENOSPC')
    health.worked('write')
    clock.advance(500)
  }
  fails('write', 'EIO')
  clock.advance(3000)
  expect(lines).toHaveLength(2)
  expect(health.isTroubled).toBe(true)
})

test('reading and writing are ill each for itself', () => {
  const { lines, clock, health, fails } = setUp()
  fails('write', 'EROFS')
  fails('read', 'EIO')
  health.worked('read')
  clock.advance(1000)
  expect(lines.at(-1)).toContain('files can be read again')
  expect(health.isTroubled).toBe(true)
})
