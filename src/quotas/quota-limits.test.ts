import { describe, expect, test } from 'vitest'
import { type LimitedEntity, QuotaLimits } from './quota-limits.ts'

const client = { user: 'u', clientId: 'c' }

/** As one reads them: `u/c`, with `*` for the default and nothing for what is not said. */
function limits(entities: Readonly<Record<string, number>>): QuotaLimits {
  const part = (text: string | undefined) => (text === '*' ? null : text || undefined)
  return new QuotaLimits(
    Object.entries(entities).map(([text, limit]): [LimitedEntity, number] => {
      const [user, clientId] = text.split('/')
      return [{ user: part(user), clientId: part(clientId) }, limit]
    }),
  )
}

describe('QuotaLimits', () => {
  test('the more exact entity goes first: eight levels', () => {
    const levels = ['u/c', 'u/*', 'u/', '*/c', '*/*', '*/', '/c', '/*']
    for (let first = 0; first < levels.length; first++) {
      // All levels from there on, with a limit that tells which one it is.
      const rest = limits(Object.fromEntries(levels.slice(first).map((level, i) => [level, first + i + 1])))
      expect([levels[first], rest.of(rest.shareOf(client))]).toEqual([levels[first], first + 1])
    }
  })

  test('who shares a quota', () => {
    const share = (entities: Readonly<Record<string, number>>) => {
      const { user, clientId } = limits(entities).shareOf(client)
      return `${user}/${clientId}`
    }
    expect(share({ '*/': 1 })).toBe('u/')
    expect(share({ '/*': 1 })).toBe('/c')
    expect(share({ '*/*': 1 })).toBe('u/c')
    expect(share({ 'u/': 1, '/c': 1 })).toBe('u/')
    expect(share({ 'x/': 1, '/c': 1 })).toBe('/c')
    expect(share({ 'u/': 1, '*/c': 1 })).toBe('u/')
    expect(share({ 'u/*': 1, 'u/': 1 })).toBe('u/c')
  })

  test('others have no limit', () => {
    for (const entities of [
      { 'x/': 1 },
      { '/x': 1 },
      { 'u/x': 1, 'x/c': 1 },
      { 'x/': 1, '/x': 1, 'x/x': 1 },
    ]) {
      const some = limits(entities)
      expect(some.of(some.shareOf(client))).toBe(Number.POSITIVE_INFINITY)
    }
    expect(limits({}).isEmpty).toBe(true)
    expect(limits({ '/x': 1 }).isEmpty).toBe(false)
  })

  test('whoever gives no client id has none of the default for client ids, as in Kafka', () => {
    const nameless = { user: 'u', clientId: '' }
    for (const entities of [{ '/*': 1 }, { '*/*': 1 }, { '/*': 1, '*/*': 1 }]) {
      const some = limits(entities)
      expect(some.of(some.shareOf(nameless))).toBe(Number.POSITIVE_INFINITY)
    }
    const ofUser = limits({ '/*': 1, '*/': 2 })
    expect(ofUser.of(ofUser.shareOf(nameless))).toBe(2)
  })
})
