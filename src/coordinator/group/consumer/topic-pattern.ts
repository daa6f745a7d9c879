import { type Assertion, type PatternNode, PatternSyntaxError, parsePattern } from './pattern-syntax.ts'

type Step =
  | { readonly kind: 'characters'; readonly set: Uint8Array }
  | { readonly kind: 'assert'; readonly assertion: Assertion }
  /** Goes on at all of these. */
  | { readonly kind: 'fork'; readonly to: number[] }
  | { readonly kind: 'match' }

/** A pattern whose counted repetitions come to more steps than this is refused, as RE2 refuses it. */
const MAX_STEPS = 10_000

/**
 * A regular expression for topic names in the syntax of RE2, as KIP-848 has it. It goes through a name once, whatever the pattern: there is no
 * going back as in JavaScript's own expressions, where a pattern of a few characters can keep a broker busy for hours.
 */
export class TopicPattern {
  readonly #steps: Step[] = []

  /** Throws `PatternSyntaxError`. */
  constructor(pattern: string) {
    this.#compile(parsePattern(pattern))
    this.#steps.push({ kind: 'match' })
  }

  /** Whether all of the name matches. */
  matches(name: string): boolean {
    let current = new Set<number>()
    this.#follow(0, name, 0, current)
    for (let at = 0; at < name.length && current.size > 0; at++) {
      const next = new Set<number>()
      const code = name.charCodeAt(at)
      for (const index of current) {
        const step = this.#steps[index]!
        if (step.kind === 'characters' && step.set[code]) this.#follow(index + 1, name, at + 1, next)
      }
      current = next
    }
    return current.has(this.#steps.length - 1)
  }

  /** Adds what can be reached from a step without taking a character. */
  #follow(start: number, name: string, at: number, reached: Set<number>): void {
    const pending = [start]
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      if (reached.has(index)) continue
      reached.add(index)
      const step = this.#steps[index]!
      if (step.kind === 'fork') pending.push(...step.to)
      else if (step.kind === 'assert' && holds(step.assertion, name, at)) pending.push(index + 1)
    }
  }

  #compile(node: PatternNode): void {
    if (this.#steps.length > MAX_STEPS) throw new PatternSyntaxError('expression too large')
    switch (node.kind) {
      case 'characters':
        this.#steps.push(node)
        return
      case 'assert':
        this.#steps.push(node)
        return
      case 'sequence':
        for (const part of node.parts) this.#compile(part)
        return
      case 'choice':
        this.#compileChoice(node.parts)
        return
      case 'repeat':
        this.#compileRepeat(node.part, node.least, node.most)
    }
  }

  #compileChoice(parts: readonly PatternNode[]): void {
    const fork = this.#fork()
    const ends: number[][] = []
    for (const part of parts) {
      fork.push(this.#steps.length)
      this.#compile(part)
      ends.push(this.#fork())
    }
    for (const end of ends) end.push(this.#steps.length)
  }

  #compileRepeat(part: PatternNode, least: number, most: number | undefined): void {
    for (let i = 0; i < least; i++) this.#compile(part)
    if (most === undefined) {
      const loop = this.#steps.length
      const fork = this.#fork()
      fork.push(this.#steps.length)
      this.#compile(part)
      this.#fork().push(loop)
      fork.push(this.#steps.length)
      return
    }
    const exits: number[][] = []
    for (let i = least; i < most; i++) {
      const fork = this.#fork()
      fork.push(this.#steps.length)
      exits.push(fork)
      this.#compile(part)
    }
    for (const exit of exits) exit.push(this.#steps.length)
  }

  #fork(): number[] {
    const to: number[] = []
    this.#steps.push({ kind: 'fork', to })
    return to
  }
}

function holds(assertion: Assertion, name: string, at: number): boolean {
  switch (assertion) {
    case 'begin':
      return at === 0
    case 'end':
      return at === name.length
    case 'word-edge':
      return isWord(name, at - 1) !== isWord(name, at)
    case 'no-word-edge':
      return isWord(name, at - 1) === isWord(name, at)
  }
}

function isWord(name: string, at: number): boolean {
  return /\w/.test(name.charAt(at))
}
