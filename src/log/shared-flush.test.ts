import { expect, test } from 'vitest'
import { SharedFlush } from './shared-flush.ts'

const settle = () => new Promise((resolve) => setImmediate(resolve))

test('who comes while a flush is under way shares the next one, also when the first one fails', async () => {
  const ends: ((error?: Error) => void)[] = []
  const shared = new SharedFlush(
    () =>
      new Promise((resolve, reject) => {
        ends.push((error) => (error ? reject(error) : resolve()))
      }),
  )
  const first = shared.run()
  const others = [shared.run(), shared.run(), shared.run()]
  await settle()
  expect(ends).toHaveLength(1)
  ends[0]!(new Error('no'))
  await expect(first).rejects.toThrow('no')
  await settle()
  expect(ends).toHaveLength(2)
  const late = shared.run()
  ends[1]!()
  await Promise.all(others)
  await settle()
  expect(ends).toHaveLength(3)
  ends[2]!()
  await late
})
