/** Values of the scenarios: messages as JSON, int64 as decimal text, bytes as hex. */
export type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = { [name: string]: Json }

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A place inside a message, so that what lies there can be read, replaced or removed. */
export interface Place {
  readonly holder: JsonObject | Json[]
  readonly key: string | number
}

export function at({ holder, key }: Place): Json {
  return (holder as JsonObject)[key as string] as Json
}

/** Every place that a path names: `a.b[*].c`, `a[0].b`, `a[name=x].b`. */
export function find(root: Json, path: string): Place[] {
  const parts = path.match(/[^.[\]]+|\[[^\]]*\]/g) ?? []
  let values: Json[] = [root]
  let places: Place[] = []
  for (const part of parts) {
    places = values.flatMap((value) => placesOf(value, part))
    values = places.map(at)
  }
  return places
}

function placesOf(value: Json, part: string): Place[] {
  if (!part.startsWith('[')) return isObject(value) && part in value ? [{ holder: value, key: part }] : []
  if (!Array.isArray(value)) return []
  const wanted = part.slice(1, -1)
  const all = value.map((_, key) => ({ holder: value, key }))
  if (wanted === '*') return all
  const equals = wanted.indexOf('=')
  if (equals < 0) return all.filter(({ key }) => key === Number(wanted))
  const name = wanted.slice(0, equals)
  const text = wanted.slice(equals + 1)
  return all.filter(({ key }) => {
    const element = value[key]
    return isObject(element) && String(element[name]) === text
  })
}

/** Every error code anywhere in an answer. */
export function errorCodes(value: Json, into: Set<number> = new Set()): Set<number> {
  if (Array.isArray(value)) for (const element of value) errorCodes(element, into)
  else if (isObject(value)) {
    for (const [name, field] of Object.entries(value)) {
      if (isErrorCode(name)) into.add(field as number)
      else errorCodes(field, into)
    }
  }
  return into
}

const isErrorCode = (name: string) => name.endsWith('rrorCode')

/** Only where errors are: Kafka answered UNKNOWN_SERVER_ERROR there, and any error will do. */
export function onlyErrors(value: Json): Json {
  if (Array.isArray(value)) return value.filter(isObject).map(onlyErrors)
  if (!isObject(value)) return value
  const result: JsonObject = {}
  for (const [name, field] of Object.entries(value)) {
    if (isErrorCode(name)) result[name] = field ? '<error>' : 0
    else if (isObject(field) || Array.isArray(field)) result[name] = onlyErrors(field)
  }
  return result
}

export interface Difference {
  readonly path: string
  readonly expected: Json
  readonly got: Json
}

/** Where two values differ, in the order of the expected one. */
export function differences(expected: Json, got: Json, path = ''): Difference[] {
  if (isObject(expected) && isObject(got)) {
    const names = [...Object.keys(expected), ...Object.keys(got).filter((name) => !(name in expected))]
    return names.flatMap((name) => {
      const inner = `${path}.${name}`
      if (!(name in got)) return [{ path: inner, expected: expected[name]!, got: '<absent>' }]
      if (!(name in expected)) return [{ path: inner, expected: '<absent>', got: got[name]! }]
      return differences(expected[name]!, got[name]!, inner)
    })
  }
  if (Array.isArray(expected) && Array.isArray(got)) {
    const shared = Math.min(expected.length, got.length)
    const found = expected
      .slice(0, shared)
      .flatMap((value, i) => differences(value, got[i]!, `${path}[${i}]`))
    if (expected.length !== got.length) {
      found.push({ path: `${path} (length)`, expected: expected.length, got: got.length })
    }
    return found
  }
  return expected === got ? [] : [{ path: path || '.', expected, got }]
}

/** JSON cut to a length that a terminal line bears. */
export function short(value: Json | undefined, length = 160): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.length <= length ? text : `${text.slice(0, length)}...`
}
