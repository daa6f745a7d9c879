import { readFileSync } from 'node:fs'
import type { Json, JsonObject } from './json.ts'

/** One file: the broker settings that its scenarios want, and the scenarios. */
export interface ScenarioFile {
  readonly path: string
  readonly settings: Readonly<Record<string, string>>
  readonly scenarios: readonly Scenario[]
}

/** A conversation with a broker and what Apache Kafka answered in it. */
export interface Scenario {
  readonly name: string
  readonly area: string
  readonly shows: string
  /** Shows a refusal that only a broker without old versions makes. */
  readonly kafka4Only?: boolean
  /** Further (API, version) pairs without which the scenario says nothing. */
  readonly needs?: readonly (readonly [api: string, version: number])[]
  readonly steps: readonly Step[]
}

/** One step. Which fields are there decides what it does: see `Player.play`. */
export interface Step {
  readonly means?: string
  readonly api?: string
  readonly version?: number
  readonly request?: JsonObject
  readonly expect?: Json
  /** Name of the connection, `a` if absent. */
  readonly on?: string
  readonly client?: string | null
  readonly headerTags?: Readonly<Record<string, string>>
  /** Variable by path in the answer; a name that begins with `=` is usable later but shown as it is. */
  readonly capture?: Readonly<Record<string, string>>
  readonly async?: string
  readonly await?: string
  readonly until?: Readonly<Record<string, Json>>
  readonly retry?: readonly number[]
  /** Coordinator errors that pass by themselves are part of the answer here. */
  readonly keep?: boolean
  readonly only?: Readonly<Record<string, string>>
  readonly ignore?: Readonly<Record<string, string>>
  readonly anyError?: boolean
  readonly took?: { readonly under?: number; readonly over?: number }
  readonly noAnswer?: boolean
  readonly unadvertised?: boolean
  readonly raw?: string
  readonly rawBody?: string
  readonly decode?: readonly [api: string, version: number]
  readonly pieces?: number
  readonly topic?: string
  readonly partitions?: number
  readonly configs?: Readonly<Record<string, string>>
  readonly settle?: number
  readonly quiet?: string
  readonly pause?: number
  readonly disconnect?: string
  readonly ms?: number
}

export function loadScenarios(path: string): ScenarioFile {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
  const [head, ...scenarios] = lines.map((line) => JSON.parse(line) as unknown)
  const { settings = {} } = head as { settings?: Record<string, string> }
  return { path, settings, scenarios: scenarios as Scenario[] }
}
