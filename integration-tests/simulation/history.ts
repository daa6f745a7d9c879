import { createHash } from 'node:crypto'

/** All that happened, a line each. The same seed has to give the same bytes. */
export class History {
  readonly #hash = createHash('sha256')
  readonly #lines: string[] = []
  readonly #isKept: boolean
  count = 0

  constructor(isKept: boolean) {
    this.#isKept = isKept
  }

  add(atMs: number, who: string, what: string): void {
    const line = `${(atMs / 1000).toFixed(3).padStart(12)}  ${who.padEnd(10)} ${what}`
    this.#hash.update(line).update('\n')
    this.count++
    if (this.#isKept) this.#lines.push(line)
  }

  get lines(): readonly string[] {
    return this.#lines
  }

  /** Of all lines; ends the history. */
  digest(): string {
    return this.#hash.digest('hex')
  }
}
