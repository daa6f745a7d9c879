import {
  type CharacterSet,
  negated,
  perlClass,
  posixClass,
  setOf,
  setOfCode,
  unicodeClass,
  union,
  withBothCases,
} from './pattern-characters.ts'

/** Topic names have no line ends, so that ^ and $ are the same with and without the flag m. */
export type Assertion = 'begin' | 'end' | 'word-edge' | 'no-word-edge'

export type PatternNode =
  | { readonly kind: 'characters'; readonly set: CharacterSet }
  | { readonly kind: 'assert'; readonly assertion: Assertion }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly parts: readonly PatternNode[] }
  /** `most` undefined: as often as one likes. */
  | {
      readonly kind: 'repeat'
      readonly part: PatternNode
      readonly least: number
      readonly most: number | undefined
    }

/** A pattern that cannot be read; the message says why, in RE2's words. */
export class PatternSyntaxError extends Error {
  override readonly name = 'PatternSyntaxError'
}

/** RE2 counts no further. */
const MAX_COUNT = 1000
/** Groups in groups: beyond this RE2 refuses, too. */
const MAX_DEPTH = 1000

const assertions: Readonly<Record<string, Assertion>> = {
  A: 'begin',
  z: 'end',
  b: 'word-edge',
  B: 'no-word-edge',
}
const controlCodes: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 }

/** Reads a pattern in RE2's syntax. Throws `PatternSyntaxError`. */
export function parsePattern(pattern: string): PatternNode {
  return new PatternParser(pattern).parse()
}

class PatternParser {
  readonly #text: string
  #at = 0
  #depth = 0
  #ignoresCase = false

  constructor(text: string) {
    this.#text = text
  }

  parse(): PatternNode {
    const node = this.#choice()
    if (!this.#isDone) throw new PatternSyntaxError('unexpected )')
    return node
  }

  get #isDone(): boolean {
    return this.#at >= this.#text.length
  }

  #choice(): PatternNode {
    const parts = [this.#sequence()]
    while (this.#take('|')) parts.push(this.#sequence())
    return parts.length === 1 ? parts[0]! : { kind: 'choice', parts }
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = []
    while (!this.#isDone && !this.#isAt('|') && !this.#isAt(')')) {
      const count = this.#repetition()
      if (!count) {
        parts.push(...this.#atom())
        continue
      }
      const part = parts.pop()
      if (!part) throw new PatternSyntaxError('missing argument to repetition operator')
      parts.push({ kind: 'repeat', part, ...count })
      // A `?` asks for the shortest match, which is the same one here, as all of the name has to match.
      this.#take('?')
      if (this.#repetition()) throw new PatternSyntaxError('invalid nested repetition operator')
    }
    return { kind: 'sequence', parts }
  }

  #repetition(): { least: number; most: number | undefined } | undefined {
    if (this.#take('*')) return { least: 0, most: undefined }
    if (this.#take('+')) return { least: 1, most: undefined }
    if (this.#take('?')) return { least: 0, most: 1 }
    const found = this.#takeMatch(/\{(\d+)(?:(,)(\d*))?\}/y)
    if (!found) return undefined
    const least = Number(found[1])
    const most = found[2] === undefined ? least : found[3] ? Number(found[3]) : undefined
    if (least > MAX_COUNT || (most !== undefined && (most > MAX_COUNT || most < least)))
      throw new PatternSyntaxError('invalid repeat count')
    return { least, most }
  }

  /** Nothing for what only sets a flag; several for a quoted text. */
  #atom(): PatternNode[] {
    if (this.#isAt('\\')) return this.#escape()
    if (this.#take('(')) return this.#group()
    if (this.#take('[')) return [characters(this.#class())]
    if (this.#take('^')) return [{ kind: 'assert', assertion: 'begin' }]
    if (this.#take('$')) return [{ kind: 'assert', assertion: 'end' }]
    // Topic names have no line end, so that the flag s changes nothing.
    if (this.#take('.')) return [characters(setOf(() => true))]
    return [this.#literal(this.#nextCode())]
  }

  #group(): PatternNode[] {
    const ignoredCase = this.#ignoresCase
    if (this.#take('?')) {
      const named = this.#takeMatch(/P?<(?![=!])([^>]*)>/y)
      if (named) {
        if (!/^\w+$/.test(named[1]!)) throw new PatternSyntaxError('invalid named capture')
      } else if (this.#flags() === ')') return []
    }
    if (++this.#depth > MAX_DEPTH) throw new PatternSyntaxError('expression nests too deeply')
    const node = this.#choice()
    this.#depth--
    this.#ignoresCase = ignoredCase
    if (!this.#take(')')) throw new PatternSyntaxError('missing closing )')
    return [node]
  }

  /** Flags of `(?i)`, which hold to the end of the group around it, or of `(?i:`, which hold inside. Gives what ends them. */
  #flags(): string {
    const found = this.#takeMatch(/([imsU]*)(-[imsU]+)?([:)])/y)
    if (!found) throw new PatternSyntaxError('invalid or unsupported Perl syntax')
    if (found[1]!.includes('i')) this.#ignoresCase = true
    if (found[2]?.includes('i')) this.#ignoresCase = false
    return found[3]!
  }

  #escape(): PatternNode[] {
    const assertion = this.#takeMatch(/\\([AzbB])/y)
    if (assertion) return [{ kind: 'assert', assertion: assertions[assertion[1]!]! }]
    const quoted = this.#takeMatch(/\\Q(.*?)(?:\\E|$)/sy)
    if (quoted) return Array.from(quoted[1]!, (character) => this.#literal(character.codePointAt(0)!))
    const set = this.#escapedClass()
    return [set ? characters(set) : this.#literal(this.#escapedCode())]
  }

  /** `\d`, `\pL`, `\p{Greek}`: undefined when none of these comes. */
  #escapedClass(): CharacterSet | undefined {
    const perl = this.#takeMatch(/\\([dDsSwW])/y)
    if (perl) return perlClass(perl[1]!)
    const unicode = this.#takeMatch(/\\([pP])(?:\{(\^?)([^}]*)\}|([^{]))/y)
    if (!unicode) return undefined
    const set = unicodeClass(unicode[3] ?? unicode[4]!)
    if (!set) throw new PatternSyntaxError('invalid character class range')
    const isNegated = (unicode[1] === 'P') !== (unicode[2] === '^')
    const folded = this.#folded(set)
    return isNegated ? negated(folded) : folded
  }

  /** The character that an escape stands for. */
  #escapedCode(): number {
    this.#at++
    if (this.#isDone) throw new PatternSyntaxError('trailing backslash at end of expression')
    // A single digit other than 0 would refer back to a group, which RE2 does not do.
    const octal = this.#takeMatch(/0[0-7]{0,2}|[1-7][0-7]{1,2}/y)
    if (octal) return Number.parseInt(octal[0], 8)
    const hex = this.#takeMatch(/x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))/y)
    if (hex) {
      const code = Number.parseInt(hex[1] ?? hex[2]!, 16)
      if (code > 0x10ffff) throw new PatternSyntaxError('invalid escape sequence')
      return code
    }
    const character = this.#text[this.#at]!
    const control = Object.hasOwn(controlCodes, character) ? controlCodes[character] : undefined
    if (control !== undefined) {
      this.#at++
      return control
    }
    if (/[0-9A-Za-z]/.test(character)) throw new PatternSyntaxError('invalid escape sequence')
    this.#at++
    return character.charCodeAt(0)
  }

  /** After `[`. */
  #class(): CharacterSet {
    const isNegated = this.#take('^')
    const sets: CharacterSet[] = []
    let isFirst = true
    while (isFirst || !this.#isAt(']')) {
      isFirst = false
      if (this.#isDone) throw new PatternSyntaxError('missing closing ]')
      sets.push(this.#classItem())
    }
    this.#at++
    const set = this.#folded(union(sets))
    return isNegated ? negated(set) : set
  }

  #classItem(): CharacterSet {
    const posix = this.#takeMatch(/\[:(\^?)([^\]]*?):\]/y)
    if (posix) {
      const set = posixClass(posix[2]!)
      if (!set) throw new PatternSyntaxError('invalid character class range')
      return posix[1] ? negated(set) : set
    }
    const set = this.#escapedClass()
    if (set) return set
    const from = this.#classCode()
    if (!/^-[^\]]/.test(this.#text.slice(this.#at, this.#at + 2))) return setOfCode(from)
    this.#at++
    const to = this.#classCode()
    if (to < from) throw new PatternSyntaxError('invalid character class range')
    return setOf((code) => code >= from && code <= to)
  }

  #classCode(): number {
    if (this.#isDone) throw new PatternSyntaxError('missing closing ]')
    return this.#isAt('\\') ? this.#escapedCode() : this.#nextCode()
  }

  #literal(code: number): PatternNode {
    return characters(this.#folded(setOfCode(code)))
  }

  #folded(set: CharacterSet): CharacterSet {
    return this.#ignoresCase ? withBothCases(set) : set
  }

  #nextCode(): number {
    const code = this.#text.codePointAt(this.#at)!
    this.#at += code > 0xffff ? 2 : 1
    return code
  }

  #isAt(character: string): boolean {
    return this.#text[this.#at] === character
  }

  #take(character: string): boolean {
    if (!this.#isAt(character)) return false
    this.#at++
    return true
  }

  /** Takes what a sticky expression finds right here. */
  #takeMatch(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.#at
    const found = expression.exec(this.#text)
    if (found) this.#at += found[0].length
    return found
  }
}

function characters(set: CharacterSet): PatternNode {
  return { kind: 'characters', set }
}
