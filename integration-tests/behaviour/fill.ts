import { buildBatches } from './batches.ts'
import { isObject, type Json } from './json.ts'
import type { ScenarioMemory } from './memory.ts'
import { encodeBlob } from './messages.ts'

/** Turns a value as the scenario writes it into one that can be sent: variables, moments, and notations that stand for bytes (as hex). */
export function fill(value: Json, memory: ScenarioMemory): Json {
  if (Array.isArray(value)) return value.map((element) => fill(element, memory))
  if (typeof value === 'string') return fillText(value, memory)
  if (!isObject(value)) return value
  const names = Object.keys(value)
  if (names.length === 1 && typeof value.text === 'string') return Buffer.from(value.text).toString('hex')
  if (typeof value.blob === 'string') {
    return encodeBlob(value.blob, Number(value.version), fill(value.value ?? {}, memory)).toString('hex')
  }
  if (names.length === 1 && Array.isArray(value.batches)) {
    return buildBatches(fill(value.batches, memory)).toString('hex')
  }
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, fill(field, memory)]))
}

function fillText(text: string, memory: ScenarioMemory): Json {
  const moment = /^@(T0|E|now)([+-]\d+)?$/.exec(text)
  if (moment) {
    const from = { T0: memory.originMs, E: memory.baseEpoch ?? 0, now: Date.now() }[
      moment[1] as 'T0' | 'E' | 'now'
    ]
    return from + Number(moment[2] ?? 0)
  }
  const variable = /^\$\{([^}]+)\}([+-]\d+)?$/.exec(text)
  if (variable) {
    const value = memory.value(variable[1]!)
    if (variable[2] === undefined) return value
    return typeof value === 'string'
      ? String(BigInt(value) + BigInt(variable[2]))
      : Number(value) + Number(variable[2])
  }
  return text.replace(/\$\{([^}]+)\}/g, (_, name: string) => String(memory.value(name)))
}

/** The same for a text that stays one: a name, a path, a client id. */
export function fillName(text: string, memory: ScenarioMemory): string {
  return String(fillText(text, memory))
}
