/** Kafka's types of configuration values. */
export type PropertyType =
  | 'boolean'
  | 'string'
  | 'int'
  | 'short'
  | 'long'
  | 'double'
  | 'list'
  | 'class'
  | 'password'

/** Type codes of DescribeConfigs 3 and newer. 0 is a setting that nobody knows. */
export const typeCodes: Readonly<Record<PropertyType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
}

/** What a value has to keep to beyond its type. */
export interface Rules {
  /** Least number that is allowed. */
  readonly min?: number
  readonly max?: number
  /** One number that is allowed although it lies outside of the range. */
  readonly also?: number
  /** For a list: of each of its entries. */
  readonly oneOf?: readonly string[]
  /** With `oneOf`: capital letters do not matter. */
  readonly ignoresCase?: boolean
  readonly isNotEmpty?: boolean
  /** A rule that needs code, and its words in an error: "it has to be ...". */
  readonly check?: (text: string) => boolean
  readonly allowed?: string
  /**
   * May be changed while the broker runs (KIP-226): of all brokers or one of them (`cluster`), only of one (`broker`), or only of one
   * listener of a broker (`listener`). Left out: read-only, a restart is needed.
   */
  readonly dynamic?: 'cluster' | 'broker' | 'listener'
  /** Kafka's own switch for its tests and developers: works, but is not described. */
  readonly isInternal?: boolean
}

/** One configuration property as Kafka defines it. `Value` is the type of its parsed value. */
export interface Property<Value = unknown> {
  readonly type: PropertyType
  /** Kafka's default as text; null: nothing. */
  readonly fallback: string | null
  readonly rules: Rules
  /** Only for the compiler: the type of the parsed value. */
  readonly value?: Value
}

/** Type of the parsed value of a property. */
export type ValueOf<P> = P extends Property<infer Value> ? Value : never

/** Types of the parsed values of a table of properties. */
export type ValuesOf<Table> = { readonly [Name in keyof Table]: ValueOf<Table[Name]> }

type Nothing<Fallback> = Extract<Fallback, null>

export const LONG_MAX = '9223372036854775807'
export const INT_MAX = 2147483647

const none: Rules = {}

function property<Value>(type: PropertyType, fallback: unknown, rules: Rules): Property<Value> {
  return { type, fallback: fallback === null ? null : String(fallback), rules }
}

export function boolean(fallback: boolean, rules = none): Property<boolean> {
  return property('boolean', fallback, rules)
}

export function int<Fallback extends number | null>(
  fallback: Fallback,
  rules = none,
): Property<number | Nothing<Fallback>> {
  return property('int', fallback, rules)
}

export function short(fallback: number, rules = none): Property<number> {
  return property('short', fallback, rules)
}

/** A 64-bit number; the default may be text where a JavaScript number is not exact. Its parsed value is a number. */
export function long<Fallback extends number | string | null>(
  fallback: Fallback,
  rules = none,
): Property<number | Nothing<Fallback>> {
  return property('long', fallback, rules)
}

export function double(fallback: number | string, rules = none): Property<number> {
  return property('double', fallback, rules)
}

export function string<Fallback extends string | null>(
  fallback: Fallback,
  rules = none,
): Property<string | Nothing<Fallback>> {
  return property('string', fallback, rules)
}

/** A string out of a few. */
export function choice<const Option extends string>(
  fallback: NoInfer<Option>,
  options: readonly Option[],
  rules = none,
): Property<Option> {
  return property('string', fallback, { ...rules, oneOf: options })
}

/** Texts separated by commas; the default is given as such a text. */
export function list<Fallback extends string | null>(
  fallback: Fallback,
  rules = none,
): Property<readonly string[] | Nothing<Fallback>> {
  return property('list', fallback, rules)
}

/** Name of a Java class. There is no Java here, so none of these is honoured. */
export function className(fallback: string | null, rules = none): Property<string | null> {
  return property('class', fallback, rules)
}

/** A secret: never told. */
export function password(rules = none): Property<string | null> {
  return property('password', null, rules)
}
