import type { ManualClock } from '../../src/platform/manual-clock.ts'

const NO_ANSWER_MS = 10_000

/** Waits for an answer in the broker's own time: what is parked there for minutes takes microseconds here. */
export async function settle<Value>(promise: Promise<Value>, clock: ManualClock): Promise<Value> {
  let isSettled = false
  const settled = promise.finally(() => {
    isSettled = true
  })
  const untilMs = performance.now() + NO_ANSWER_MS
  for (let turn = 0; !isSettled; turn++) {
    if (performance.now() > untilMs) throw new Error('the broker does not answer')
    // The first request of an API loads its module, which takes real time.
    await new Promise((resolve) => (turn < 100 ? setImmediate(resolve) : setTimeout(resolve, 1)))
    if (turn > 4) clock.advance(turn < 100 ? 1000 : 2 ** 31)
  }
  return settled
}
