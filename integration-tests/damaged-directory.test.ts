import { beforeAll, describe, expect, test } from 'vitest'
import { checkDirectory } from '../src/check/check-directory.ts'
import { copyFiles } from '../src/log/test-support/storage.ts'
import type { MemoryFiles } from '../src/platform/memory-files.ts'
import type { Damage, Outcome } from './damage/damage.ts'
import {
  ALL_ORDERS,
  brokerOn,
  contentOf,
  contentsOf,
  DATA,
  Lines,
  lostFrom,
  makeDirectory,
} from './damage/directory.ts'
import { damages } from './damage/table.ts'

const MARKER = `${DATA}/.kafka_cleanshutdown`
const RECOVERED = 'The last shutdown was not clean'

/** Names are shown as they are. */
const rows = damages.map((damage) => [damage.name, damage] as const)

let sound: MemoryFiles
beforeAll(async () => {
  sound = await makeDirectory()
})

function damaged({ act }: Damage): MemoryFiles {
  const files = copyFiles(sound)
  act(files)
  return files
}

/** A broker starts on it, is read from, and stops. */
async function expectOutcome(files: MemoryFiles, outcome: Outcome, { properties }: Damage): Promise<void> {
  const before = contentsOf(files)
  const lines = new Lines()
  const broker = brokerOn(files, lines.logger, properties)
  const told = () => lines.all.filter((line) => !line.startsWith(RECOVERED))
  const expected = (outcome.lines ?? []).map((line) => expect.stringMatching(line))
  if (outcome.refused) {
    await expect(broker.start()).rejects.toThrow(outcome.refused)
    expect(told()).toEqual(expected)
    expect(contentsOf(files)).toEqual(before)
    return
  }
  await broker.start()
  const orders = await contentOf(broker, 'orders')
  // Read once more: what is wrong is said once.
  expect(await contentOf(broker, 'orders')).toBe(orders)
  if (outcome.orders instanceof RegExp) expect(orders).toMatch(outcome.orders)
  else expect(orders).toBe(outcome.orders ?? ALL_ORDERS)
  expect(await contentOf(broker, 'safe')).toBe('s1 s2')
  const wasClean = before.has(MARKER)
  await broker.stop()
  expect(files.exists(MARKER)).toBe(wasClean || !outcome.isUnrecovered)
  expect(told()).toEqual(expected)
  expect(lines.all.filter((line) => /\n|^\s+at /.test(line))).toEqual([])
  const lost = lostFrom(before, contentsOf(files))
  expect(lost.filter((path) => !outcome.loses?.test(path))).toEqual([])
}

describe('a directory that somebody damaged: one line, what can be is rebuilt, what cannot be trusted is kept and not served', () => {
  test.each(rows)('%s', async (_, damage) => {
    await expectOutcome(damaged(damage), damage.clean, damage)
  })
})

describe('the same after a crash', () => {
  test.each(rows)('%s', async (_, damage) => {
    const files = damaged(damage)
    files.remove(MARKER)
    await expectOutcome(files, damage.crash ?? damage.clean, damage)
  })
})

describe('odradek check finds it, and writes nothing', () => {
  test.each(rows)('%s', async (_, damage) => {
    const files = damaged(damage)
    const before = contentsOf(files)
    const found: string[] = []
    for await (const { kind, path, message } of checkDirectory(files, DATA))
      found.push(`${kind} ${path.slice(DATA.length)}: ${message}`)
    if (damage.found) expect(found).toContainEqual(expect.stringMatching(damage.found))
    else expect(found).toEqual([])
    expect(contentsOf(files)).toEqual(before)
  })
})
