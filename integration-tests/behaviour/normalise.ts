import { ZERO_UUID } from '../../src/protocol/api.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import type { ScenarioMemory } from './memory.ts'

const set = (...names: string[]): ReadonlySet<string> => new Set(names)

const TIMES = set(
  'timestamp', 'maxTimestamp', 'ts', 'logAppendTimeMs', 'lastTimestamp', 'transactionStartTimeMs', 'issueTimestampMs',
  'expiryTimestampMs', 'maxTimestampMs', 'lastFetchTimestamp', 'lastCaughtUpTimestamp',
) // biome-ignore format: a table
const NODES = set(
  'nodeId', 'brokerId', 'leaderId', 'leader', 'controllerId', 'replicaNodes', 'isrNodes', 'offlineReplicas', 'replicas',
  'eligibleLeaderReplicas', 'lastKnownElr', 'replicaId',
) // biome-ignore format: a table
const LEADER_EPOCHS = set('leaderEpoch', 'committedLeaderEpoch', 'currentLeaderEpoch')
const TEXTS = set('errorMessage', 'batchIndexErrorMessage', 'statusDetail')
const HIDDEN = set('throttleTimeMs')

/** Fields by which the elements of an array are put in order, the first ones first. */
const SORT_FIELDS = [
  'name', 'topic', 'topicName', 'topicId', 'groupId', 'groupInstanceId', 'transactionalId', 'partitionIndex', 'partition',
  'partitionId', 'index', 'resourceType', 'resourceName', 'user', 'key', 'apiKey', 'id', 'memberId',
] // biome-ignore format: a table
/** Arrays whose order means something. All others are compared as sets. */
const ORDERED = set('synonyms', 'records', 'batches', 'headers', 'replicaNodes', 'replicas', 'recordErrors')
const ORDERED_OF_API = set('DescribeTopicPartitions topics', 'DescribeTopicPartitions partitions')

/** An answer with everything replaced that differs from run to run and broker to broker, arrays that are sets put in order. */
export function normalise(answer: Json, api: string, memory: ScenarioMemory): Json {
  return new Normaliser(api, memory).value(answer, undefined)
}

class Normaliser {
  readonly #api: string
  readonly #memory: ScenarioMemory

  constructor(api: string, memory: ScenarioMemory) {
    this.#api = api
    this.#memory = memory
  }

  value(value: Json, field: string | undefined): Json {
    if (isObject(value)) return this.#object(value)
    if (Array.isArray(value))
      return inOrder(
        value.map((element) => this.value(element, field)),
        field,
        this.#api,
      )
    if (value === null || typeof value === 'boolean') return value
    const captured = (this.#memory.capturedByField.get(field ?? '') ?? []).find(
      ([, known]) => known === value,
    )
    if (captured) return `\${${captured[0]}}`
    return typeof value === 'number' ? this.#number(value, field ?? '') : this.#text(value, field ?? '')
  }

  #object(value: JsonObject): JsonObject {
    const result: JsonObject = {}
    for (const [name, field] of Object.entries(value))
      if (!HIDDEN.has(name)) result[name] = this.value(field, name)
    const isBroker = value.resourceType === 4 || value.resourceType === 8
    if (isBroker && value.resourceName === String(this.#memory.nodeId)) result.resourceName = `\${node}`
    // Beside success "", null and NONE mean the same: nothing.
    if (value.errorCode === 0) delete result.errorMessage
    return result
  }

  #number(value: number, field: string): Json {
    const memory = this.#memory
    if (LEADER_EPOCHS.has(field)) {
      if (value < 0) return value
      memory.baseEpoch ??= value
      return `@E${relative(value - memory.baseEpoch)}`
    }
    if (NODES.has(field) && value === memory.nodeId) return `\${node}`
    if (field === 'port') return value > 0 ? '<port>' : value
    if (field === 'sessionId') return value > 0 ? '<session>' : value
    return value
  }

  #text(value: string, field: string): Json {
    if (TIMES.has(field)) return this.#time(value)
    if (TEXTS.has(field)) return '<text>'
    if (field === 'host') return value && '<host>'
    if (field === 'clusterId') return '<cluster>'
    if (field === 'logDir') return '<dir>'
    if (field === 'totalBytes' || field === 'usableBytes') return Number(value) >= 0 ? '<bytes>' : value
    let text = value
    for (const [name, known] of this.#memory.variables) {
      if (typeof known === 'string' && known.length >= 6) text = text.replaceAll(known, `\${${name}}`)
    }
    text = text.replaceAll(Buffer.from(this.#memory.unique).toString('hex'), `\${u}`)
    if (text === '' || text.includes('${') || this.#memory.literal.includes(text)) return text
    if (field === 'topicId' && text !== ZERO_UUID) return '<id>'
    if (field === 'memberId' || field === 'leader') return '<member>'
    return text
  }

  #time(value: string): string {
    const ms = Number(value)
    const { originMs, startMs } = this.#memory
    if (Math.abs(ms - originMs) <= 1_000_000) return `@T0${relative(ms - originMs)}`
    return startMs - 5000 <= ms && ms <= Date.now() + 5000 ? '@clock' : value
  }
}

const relative = (difference: number) =>
  difference === 0 ? '' : difference > 0 ? `+${difference}` : `${difference}`

/** Puts the recorded answer's arrays in the order in which `normalise` leaves them. */
export function inOrderThroughout(value: Json, api: string, field?: string): Json {
  if (Array.isArray(value))
    return inOrder(
      value.map((element) => inOrderThroughout(element, api, field)),
      field,
      api,
    )
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, inOrderThroughout(inner, api, name)]),
  )
}

function inOrder(values: Json[], field: string | undefined, api: string): Json[] {
  if (values.length < 2 || ORDERED.has(field ?? '') || ORDERED_OF_API.has(`${api} ${field}`)) return values
  return values
    .map((value) => ({ value, sortKey: sortKey(value) }))
    .sort((a, b) => compareKeys(a.sortKey, b.sortKey))
    .map(({ value }) => value)
}

function sortKey(value: Json): string[] {
  if (!isObject(value)) return [typeof value === 'number' ? String(value).padStart(12) : String(value)]
  const fields = SORT_FIELDS.map((name) => {
    const field = value[name]
    if (typeof field === 'number') return String(field).padStart(12)
    return field === undefined
      ? ''
      : isObject(field) || Array.isArray(field)
        ? JSON.stringify(field)
        : String(field)
  })
  return [...fields, JSON.stringify(value, Object.keys(flatNames(value)).sort())]
}

/** Every name in a value, for a text of it that does not depend on the order of its fields. */
function flatNames(value: Json, into: Record<string, true> = {}): Record<string, true> {
  if (Array.isArray(value)) for (const element of value) flatNames(element, into)
  else if (isObject(value)) {
    for (const [name, field] of Object.entries(value)) {
      into[name] = true
      flatNames(field, into)
    }
  }
  return into
}

function compareKeys(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length; i++) {
    if (a[i]! < b[i]!) return -1
    if (a[i]! > b[i]!) return 1
  }
  return 0
}
