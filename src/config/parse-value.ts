import { invalidValue } from './config-error.ts'
import type { Property, Rules } from './property.ts'

export type ParsedValue = boolean | number | string | readonly string[]

const wholeRanges = {
  int: { min: -2147483648n, max: 2147483647n, words: 'an int' },
  short: { min: -32768n, max: 32767n, words: 'a short' },
  long: { min: -9223372036854775808n, max: 9223372036854775807n, words: 'a long' },
} as const

/** Reads a value as Kafka does: trimmed, by its type and rules. Throws `ConfigError`. */
export function parseValue(name: string, property: Property, text: string): ParsedValue {
  const trimmed = text.trim()
  const value = readValue(property, trimmed)
  if (value === undefined || !keepsRules(property.rules, value, trimmed)) {
    throw invalidValue(name, property.type === 'password' ? '[hidden]' : text, allowedValues(property))
  }
  return value
}

/** The value in the form in which DescribeConfigs tells it: `+5` is `5`, `1` as a double is `1.0`. The text has been parsed before. */
export function canonicalText(property: Property, text: string): string {
  const trimmed = text.trim()
  switch (property.type) {
    case 'boolean':
      return trimmed.toLowerCase()
    case 'int':
    case 'short':
    case 'long':
      return BigInt(trimmed.replace('+', '')).toString()
    case 'double':
      return javaDouble(Number(trimmed))
    case 'list':
      return [...new Set(splitList(trimmed))].join(',')
    default:
      return trimmed
  }
}

/** Entries of a list, as Kafka takes them apart: spaces around commas do not count. */
export function splitList(text: string): string[] {
  const trimmed = text.trim()
  return trimmed === '' ? [] : trimmed.split(/\s*,\s*/)
}

/** What a property takes, in words that continue "it has to be". */
export function allowedValues({ type, rules }: Property): string {
  if (rules.allowed) return rules.allowed
  const options = rules.oneOf?.join(', ')
  switch (type) {
    case 'boolean':
      return 'true or false'
    case 'int':
    case 'short':
    case 'long':
      return `${wholeRanges[type].words}${rangeInWords(rules)}`
    case 'double':
      return `a number${rangeInWords(rules)}`
    case 'list':
      return options ? `a list of ${options}` : `a list${rules.isNotEmpty ? ' that is not empty' : ''}`
    default:
      return options ? `one of ${options}` : `text${rules.isNotEmpty ? ' that is not empty' : ''}`
  }
}

function rangeInWords({ min, max, also }: Rules): string {
  const other = also === undefined ? '' : `, or ${also}`
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}${other}`
  return min === undefined ? '' : ` of at least ${min}${other}`
}

function readValue({ type }: Property, text: string): ParsedValue | undefined {
  switch (type) {
    case 'boolean': {
      const lower = text.toLowerCase()
      return lower === 'true' ? true : lower === 'false' ? false : undefined
    }
    case 'int':
    case 'short':
    case 'long': {
      if (!/^[+-]?\d+$/.test(text)) return undefined
      const value = BigInt(text.replace('+', ''))
      const { min, max } = wholeRanges[type]
      return value >= min && value <= max ? Number(value) : undefined
    }
    case 'double':
      return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?Infinity$|^NaN$/.test(text)
        ? Number(text)
        : undefined
    case 'list':
      return [...new Set(splitList(text))]
    default:
      return text
  }
}

function keepsRules(rules: Rules, value: ParsedValue, text: string): boolean {
  const { min, max, also, oneOf, isNotEmpty, check } = rules
  if (typeof value === 'number' && value !== also) {
    // Written so that NaN passes, as it does in Kafka.
    if ((min !== undefined && value < min) || (max !== undefined && value > max)) return false
  }
  if (isNotEmpty && text === '') return false
  if (oneOf) {
    const same = (option: string, given: string) =>
      rules.ignoresCase ? option.toUpperCase() === given.toUpperCase() : option === given
    const given = typeof value === 'object' ? value : [text]
    if (!given.every((each) => oneOf.some((option) => same(option, each)))) return false
  }
  return check === undefined || check(text)
}

/** A number as Java's `Double.toString` writes it: `0.5`, `1.0`, `1.0E-5`. */
function javaDouble(value: number): string {
  const size = Math.abs(value)
  if (!Number.isFinite(value)) return String(value)
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) {
    const [digits, exponent] = value.toExponential().split('e') as [string, string]
    return `${withPoint(digits)}E${Number(exponent)}`
  }
  return withPoint(String(value))
}

const withPoint = (digits: string) => (digits.includes('.') ? digits : `${digits}.0`)
