import { ApiError, ErrorCode } from '../protocol/error-code.ts'

const MAX_LENGTH = 249
const LEGAL = /^[a-zA-Z0-9._-]+$/

/** What is wrong with a topic's name, or undefined. */
export function topicNameFault(name: string): string | undefined {
  if (name === '') return 'the empty string is not allowed'
  if (name === '.' || name === '..') return `'${name}' is not allowed`
  if (name.length > MAX_LENGTH) return `it has ${name.length} characters, more than ${MAX_LENGTH}`
  if (!LEGAL.test(name)) return `'${name}' has characters other than letters, digits, '.', '_' and '-'`
  return undefined
}

/** Throws INVALID_TOPIC_EXCEPTION for a name that no topic may have. */
export function checkTopicName(name: string): void {
  const fault = topicNameFault(name)
  if (fault !== undefined) {
    throw new ApiError(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic name is illegal: ${fault}`)
  }
}

/** Topics whose names have a dot or an underscore: metrics write both as an underscore, so that `a.b` and `a_b` would be one. */
export class CollidingNames {
  readonly #names = new Map<string, Set<string>>()

  add(name: string): void {
    const key = keyOf(name)
    if (key === undefined) return
    const names = this.#names.get(key)
    if (names) names.add(name)
    else this.#names.set(key, new Set([name]))
  }

  remove(name: string): void {
    const key = keyOf(name)
    if (key === undefined) return
    const names = this.#names.get(key)
    if (names?.delete(name) && names.size === 0) this.#names.delete(key)
  }

  /** A topic with another name that looks the same, or undefined. */
  collidingWith(name: string): string | undefined {
    const key = keyOf(name)
    if (key === undefined) return undefined
    for (const other of this.#names.get(key) ?? []) if (other !== name) return other
    return undefined
  }
}

/** undefined for a name that cannot collide. */
function keyOf(name: string): string | undefined {
  return name.includes('.') || name.includes('_') ? name.replaceAll('.', '_') : undefined
}
