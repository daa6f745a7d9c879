import type { Json } from './json.ts'

/** Ends a scenario: it cannot go on, and the message says why. */
export class ScenarioStopped extends Error {
  override readonly name = 'ScenarioStopped'
}

/** What one run of a scenario knows: its own names, its moment, and what it captured from answers. */
export class ScenarioMemory {
  /** Begins every name that the scenario gives: unique per run, so that one broker serves any number of runs. */
  readonly unique: string
  /** Id of the broker under test. */
  readonly nodeId: number
  readonly startMs = Date.now()
  /** Record timestamps of the scenario count from here, 50 minutes before the start. */
  readonly originMs = this.startMs - 3_000_000
  readonly variables: Map<string, Json>
  /** Captured values by the field that they came from: `[variable, value]`. */
  capturedByField: Map<string, readonly (readonly [string, Json])[]> = new Map()
  /** The first leader epoch seen; others are shown relative to it. */
  baseEpoch: number | undefined
  /** The requests as written: an id that stands there is shown as it is. */
  readonly literal: string

  constructor(unique: string, nodeId: number, literal: string) {
    this.unique = unique
    this.nodeId = nodeId
    this.literal = literal
    this.variables = new Map<string, Json>([
      ['u', unique],
      ['node', nodeId],
    ])
  }

  value(name: string): Json {
    const value = this.variables.get(name)
    if (value === undefined) throw new ScenarioStopped(`nothing was captured as \${${name}}`)
    return value
  }

  /** Remembers a value; `field` is where it lay, so that it is recognised there in later answers. */
  capture(name: string, value: Json, field: string | undefined): void {
    this.variables.set(name, value)
    if (field === undefined) return
    const others = (this.capturedByField.get(field) ?? []).filter(([known]) => known !== name)
    this.capturedByField.set(field, [...others, [name, value]])
  }
}
