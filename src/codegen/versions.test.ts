import { describe, expect, test } from 'vitest'
import { branch, choose, runs, within } from './versions.ts'

const range = (count: number) => Array.from({ length: count }, (_, version) => version)
/** Runs of one-letter texts, a letter for each version; a dot for no text. */
const letters = (text: string) => runs(range(text.length), (version) => text[version]!.replace('.', ''))

/** What the statement does in a version: the text of the branch that is taken. */
function taken(statement: string, version: number): string {
  const code = statement.replaceAll(/\n([A-Z])\n/g, '\nreturn "$1"\n').replace(/^([A-Z])$/, 'return "$1"')
  return new Function('version', `${code}\nreturn "."`)(version) as string
}

describe('branches', () => {
  test.each(['A', 'AB', 'AAB', 'A.B', '.AB', 'AB.', 'AB.C', 'ABC', 'A..BC', '.A.', 'ABAB', 'A.B.C', 'AB..'])(
    '%s takes the text of each version',
    (text) => {
      const statement = branch(letters(text))
      expect(
        range(text.length)
          .map((version) => taken(statement, version))
          .join(''),
      ).toBe(text)
    },
  )

  test('conditions are as short as they can be', () => {
    expect(branch(letters('AABBCC'))).toBe(
      'if (version >= 4) {\nC\n} else if (version >= 2) {\nB\n} else {\nA\n}',
    )
    expect(branch(letters('AA.'))).toBe('if (version <= 1) {\nA\n}')
  })

  test('a lone condition follows else without braces', () => {
    const throwing = 'if (x) {\nthrow y\n}'
    expect(branch(runs([0, 1], (version) => (version === 0 ? throwing : 'A')))).toBe(
      `if (version >= 1) {\nA\n} else ${throwing}`,
    )
  })
})

test('an expression chooses from the newest version down', () => {
  expect(choose(letters('ABC'))).toBe('version >= 2 ? C : version >= 1 ? B : A')
})

test('a range that is no condition is true', () => {
  expect(within({ from: 0, to: 9 }, 2, 5)).toBe('true')
  expect(within({ from: 3, to: 3 }, 2, 5)).toBe('version === 3')
  expect(within({ from: 0, to: 0 }, 0, 5)).toBe('version === 0')
})
