/** Codes that topic names are made of, and more: all of ASCII. */
const CODES = 128

/** Perl's classes, as RE2 has them: ASCII only. */
const perlClasses: Readonly<Record<string, RegExp>> = { d: /[0-9]/, s: /[\t\n\f\r ]/, w: /[0-9A-Za-z_]/ }

const posixClasses: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  ascii: /^/,
  blank: /[\t ]/,
  cntrl: /[^ -~]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t\n\v\f\r ]/,
  upper: /[A-Z]/,
  word: /[0-9A-Za-z_]/,
  xdigit: /[0-9A-Fa-f]/,
}

/** A set of characters: a one for each code that is in it. */
export type CharacterSet = Uint8Array

export function setOf(includes: (code: number) => boolean): CharacterSet {
  return Uint8Array.from({ length: CODES }, (_, code) => (includes(code) ? 1 : 0))
}

/** One character; none when it is one that no topic name has. */
export function setOfCode(code: number): CharacterSet {
  return setOf((each) => each === code)
}

export function union(sets: readonly CharacterSet[]): CharacterSet {
  return setOf((code) => sets.some((set) => set[code] === 1))
}

export function negated(set: CharacterSet): CharacterSet {
  return setOf((code) => set[code] === 0)
}

/** With the other case of each letter. */
export function withBothCases(set: CharacterSet): CharacterSet {
  return setOf(
    (code) => set[code] === 1 || (/[a-z]/i.test(String.fromCharCode(code)) && set[code ^ 0x20] === 1),
  )
}

/** `\d`, `\S` and the like; undefined for another letter. */
export function perlClass(letter: string): CharacterSet | undefined {
  const expression = perlClasses[letter.toLowerCase()]
  if (!expression) return undefined
  const set = setMatching(expression)
  return /[a-z]/.test(letter) ? set : negated(set)
}

/** `alpha` of `[[:alpha:]]`; undefined for a name that there is not. */
export function posixClass(name: string): CharacterSet | undefined {
  const expression = Object.hasOwn(posixClasses, name) ? posixClasses[name] : undefined
  return expression && setMatching(expression)
}

/** The name in `\p{...}`: a category or a script of Unicode, or Any. Undefined for a name that there is not. */
export function unicodeClass(name: string): CharacterSet | undefined {
  if (name === 'Any') return setOf(() => true)
  if (!/^\w+$/.test(name)) return undefined
  for (const property of ['General_Category', 'Script']) {
    try {
      return setMatching(new RegExp(`\\p{${property}=${name}}`, 'u'))
    } catch {
      // Not a value of this property.
    }
  }
  return undefined
}

function setMatching(expression: RegExp): CharacterSet {
  return setOf((code) => expression.test(String.fromCharCode(code)))
}
