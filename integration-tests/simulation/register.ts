import { Violation } from './violation.ts'

/** A write that is under way or over. */
export interface Write<Value> {
  /** Undefined: some value that has not been there before, known only to who answers. */
  value: Value | undefined
  readonly sent: number
  /** When it was over: answered; without a good answer only with the end of the broker's life, as what was sent may yet be done. */
  done: number
  state: 'open' | 'acknowledged' | 'unknown' | 'refused'
  /** Power was lost since, perhaps while its answer was on the way. */
  mayBeLost: boolean
}

/** So many writes are remembered before those that cannot matter any more are looked for. */
const KEPT = 200

/** A place that several clients write and read at the same time. Times are any numbers that rise from event to event. */
export class Register<Value> {
  readonly #name: string
  readonly #rule: string
  #writes: Write<Value>[]
  readonly #seen = new Set<Value>()
  readonly #mayGoBack: boolean

  /** `mayGoBack`: a loss of power may bring back any earlier value, so none is ever forgotten. */
  constructor(name: string, rule: string, initial: Value | undefined, mayGoBack = false) {
    this.#name = name
    this.#rule = rule
    this.#mayGoBack = mayGoBack
    this.#writes = [newWrite(initial, -1)]
    this.end(this.#writes[0]!, 'acknowledged', -1)
  }

  begin(value: Value | undefined, sent: number): Write<Value> {
    const write = newWrite(value, sent)
    this.#writes.push(write)
    if (value !== undefined) this.#seen.add(value)
    return write
  }

  end(write: Write<Value>, state: 'acknowledged' | 'unknown' | 'refused', done: number): void {
    write.state = state === 'acknowledged' && write.mayBeLost ? 'unknown' : state
    write.done = write.state === 'unknown' ? Number.POSITIVE_INFINITY : done
    if (write.value !== undefined) this.#seen.add(write.value)
    if (write.state === 'acknowledged') this.#forgetBefore(write)
  }

  /** It was read: it has to be what was written last, as far as that can be told, and from now on it is that. */
  read(value: Value, sent: number, done: number): void {
    let last = Number.NEGATIVE_INFINITY
    for (const write of this.#writes) {
      if (write.state === 'acknowledged' && write.done < sent && write.sent > last) last = write.sent
    }
    const possible = this.#writes.filter((write) => write.state !== 'refused' && write.done >= last)
    if (!possible.some((write) => write.value === value)) this.#bind(value, possible)
    this.end(this.begin(value, sent), 'acknowledged', done)
  }

  /** A value that nobody knows yet has to be that of a write which did not know it. */
  #bind(value: Value, possible: readonly Write<Value>[]): void {
    const write = possible.find((each) => each.value === undefined)
    if (write && !this.#seen.has(value)) {
      write.value = value
      this.#seen.add(value)
      return
    }
    const names = [...new Set(possible.map((each) => String(each.value ?? 'something new')))]
    const expected = names.length > 5 ? `one of ${names.length} others` : names.join(' or ')
    throw new Violation(this.#rule, `${this.#name} is ${String(value)}, expected ${expected}`)
  }

  /** The broker is gone: what it has not done it will not do any more. */
  endLife(now: number): void {
    for (const write of this.#writes) {
      if (write.state === 'unknown' && write.done === Number.POSITIVE_INFINITY) write.done = now
    }
  }

  /** What was not flushed may be gone: each of the latest values is possible again. */
  losePower(): void {
    for (const write of this.#writes) {
      write.mayBeLost = true
      if (write.state === 'acknowledged') write.state = 'unknown'
    }
  }

  #forgetBefore(write: Write<Value>): void {
    if (!this.#mayGoBack && this.#writes.length > KEPT)
      this.#writes = this.#writes.filter((other) => other.done >= write.sent)
  }
}

function newWrite<Value>(value: Value | undefined, sent: number): Write<Value> {
  return { value, sent, done: Number.POSITIVE_INFINITY, state: 'open', mayBeLost: false }
}
