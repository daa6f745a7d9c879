import { describe, expect, test } from 'vitest'
import { ManualClock } from './platform/manual-clock.ts'
import { type DelayedOperation, Purgatory, type Watched } from './purgatory.ts'

/** Completes when its count of touches reaches `needed`. */
function operation(name: string, log: string[], needed: number): DelayedOperation {
  let touches = 0
  return {
    tryComplete: () => {
      const isComplete = ++touches >= needed
      log.push(`${name} ${isComplete ? 'completed' : 'looked at'}`)
      return isComplete
    },
    expire: () => log.push(`${name} expired`),
    describe: () => ({ name }),
  }
}

/** Something to watch. */
class Key implements Watched {
  listeners: (() => void)[] = []

  onAdvance(listener: () => void): () => void {
    this.listeners.push(listener)
    return () => {
      this.listeners = this.listeners.filter((other) => other !== listener)
    }
  }

  touch(): void {
    for (const listener of this.listeners) listener()
  }
}

function setUp() {
  const clock = new ManualClock()
  return { clock, purgatory: new Purgatory(clock), log: [] as string[], a: new Key(), b: new Key() }
}

describe('Purgatory', () => {
  test('an operation is looked at when one of its keys is touched, and leaves when it completes', () => {
    const { clock, purgatory, log, a, b } = setUp()
    purgatory.park(operation('x', log, 2), [a, b], 100)
    new Key().touch()
    a.touch()
    expect(log).toEqual(['x looked at'])
    b.touch()
    a.touch()
    clock.advance(1000)
    expect(log).toEqual(['x looked at', 'x completed'])
    expect([purgatory.size, a.listeners, b.listeners, clock.pending()]).toEqual([0, [], [], []])
  })

  test('an operation expires once, at its time', () => {
    const { clock, purgatory, log, a } = setUp()
    purgatory.park(operation('x', log, 9), [a], 100)
    purgatory.park(operation('y', log, 9), [a], 50)
    clock.advance(99)
    expect(log).toEqual(['y expired'])
    clock.advance(1)
    a.touch()
    expect(log).toEqual(['y expired', 'x expired'])
  })

  test('a cancelled operation is neither looked at nor expired', () => {
    const { clock, purgatory, log, a } = setUp()
    purgatory.park(operation('x', log, 1), [a], 100).cancel()
    a.touch()
    clock.advance(1000)
    expect(log).toEqual([])
    expect(clock.pending()).toEqual([])
  })

  test('an operation that is parked while its key is touched waits for the next change', () => {
    const { purgatory, log, a } = setUp()
    const first = operation('first', log, 1)
    purgatory.park(
      {
        ...first,
        tryComplete: () => {
          purgatory.park(operation('second', log, 1), [a], 100)
          return first.tryComplete()
        },
      },
      [a],
      100,
    )
    a.touch()
    expect(log).toEqual(['first completed'])
    a.touch()
    expect(log).toEqual(['first completed', 'second completed'])
  })

  test('when the broker stops everything answers', () => {
    const { clock, purgatory, log, a, b } = setUp()
    purgatory.park(operation('x', log, 1), [a], 100)
    purgatory.park(operation('y', log, 1), [b], 200)
    expect(purgatory.describe()).toEqual([
      { name: 'x', dueInMs: 100 },
      { name: 'y', dueInMs: 200 },
    ])
    purgatory.expireAll()
    expect(log).toEqual(['x expired', 'y expired'])
    expect(clock.pending()).toEqual([])
  })
})
