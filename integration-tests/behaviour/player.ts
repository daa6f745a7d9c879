import { isDeepStrictEqual } from 'node:util'
import type { FrameConnection } from '../client/frame-connection.ts'
import { describeBatches } from './batches.ts'
import type { BrokerUnderTest } from './broker-under-test.ts'
import { fill, fillName } from './fill.ts'
import { at, errorCodes, find, isObject, type Json, type JsonObject, type Place, short } from './json.ts'
import { ScenarioMemory, ScenarioStopped } from './memory.ts'
import { decodeResponse, encodeRequest } from './messages.ts'
import { normalise } from './normalise.ts'
import type { Scenario, Step } from './scenario.ts'

/** APIs whose answer may be that the coordinator is not there yet; such an answer is asked for again. */
const COORDINATOR_APIS = new Set([
  'FindCoordinator', 'JoinGroup', 'SyncGroup', 'Heartbeat', 'LeaveGroup', 'OffsetCommit', 'OffsetFetch', 'OffsetDelete',
  'DescribeGroups', 'ListGroups', 'DeleteGroups', 'InitProducerId', 'AddPartitionsToTxn', 'AddOffsetsToTxn', 'EndTxn',
  'TxnOffsetCommit', 'ConsumerGroupHeartbeat', 'ConsumerGroupDescribe', 'ShareGroupHeartbeat', 'ShareGroupDescribe',
  'StreamsGroupHeartbeat', 'StreamsGroupDescribe', 'DescribeTransactions', 'ListTransactions',
  'DescribeShareGroupOffsets', 'AlterShareGroupOffsets', 'DeleteShareGroupOffsets',
]) // biome-ignore format: a table
const COORDINATOR_ERRORS = [14, 15, 16]

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A request that was sent and whose answer was not taken yet. */
interface Pending {
  readonly talk: Talk
  readonly correlationId: number
  readonly api: string
  readonly version: number
  readonly step: Step
  readonly sentMs: number
}

/** A connection of a scenario: requests in order, answers in order. */
class Talk {
  readonly connection: FrameConnection
  correlationId = 0
  readonly waiting: Pending[] = []
  readonly early = new Map<Pending, Buffer>()

  constructor(connection: FrameConnection) {
    this.connection = connection
  }
}

/** Plays the steps of one scenario against a broker. */
export class Player {
  readonly #broker: BrokerUnderTest
  readonly #memory: ScenarioMemory
  readonly #patienceMs: number
  readonly #talks = new Map<string, Talk>()
  readonly #pending = new Map<string, Pending>()

  constructor(broker: BrokerUnderTest, scenario: Scenario, unique: string, patienceMs: number) {
    this.#broker = broker
    this.#patienceMs = patienceMs
    const literal = JSON.stringify(scenario.steps.map(({ request }) => request ?? null))
    this.#memory = new ScenarioMemory(unique, broker.nodeId, literal)
  }

  close(): void {
    for (const { connection } of this.#talks.values()) connection.close()
  }

  /** What came back, normalised: an answer, `closed` or `silent`; undefined where there is nothing to compare. */
  async play(step: Step): Promise<Json | undefined> {
    if (step.pause !== undefined) return void (await sleep(step.pause))
    if (step.topic !== undefined) return void (await this.#prepareTopic(step, step.topic))
    if (step.disconnect !== undefined) return this.#disconnect(step.disconnect)
    if (step.await !== undefined) return this.#awaited(step, step.await)
    if (step.quiet !== undefined) {
      const frame = await (await this.#talk(step.quiet)).connection.frame(step.ms ?? 300)
      return typeof frame === 'string' ? frame : 'answered'
    }
    const talk = await this.#talk(step.on ?? 'a')
    return step.raw === undefined ? this.#request(step, talk) : this.#raw(step, step.raw, talk)
  }

  async #talk(name: string): Promise<Talk> {
    let talk = this.#talks.get(name)
    if (!talk) {
      talk = new Talk(await this.#broker.connect())
      this.#talks.set(name, talk)
    }
    return talk
  }

  #disconnect(name: string): undefined {
    this.#talks.get(name)?.connection.close()
    this.#talks.delete(name)
  }

  async #raw(step: Step, hex: string, talk: Talk): Promise<Json> {
    const bytes = Buffer.from(hex, 'hex')
    const size = step.pieces ?? Math.max(bytes.length, 1)
    for (let i = 0; i < bytes.length; i += size) {
      talk.connection.write(bytes.subarray(i, i + size))
      if (step.pieces !== undefined) await sleep(2)
    }
    const frame = await talk.connection.frame(step.ms ?? 5000)
    if (typeof frame === 'string') return frame
    if (!step.decode) return frame.toString('hex')
    const [api, version] = step.decode
    return this.#tidy(api, decodeResponse(api, version, frame).body, step)
  }

  async #request(step: Step, talk: Talk): Promise<Json | undefined> {
    const api = step.api!
    const untilMs = performance.now() + this.#patienceMs
    for (let tries = 1; ; tries++) {
      const pending = this.#send(step, talk)
      if (step.noAnswer) return undefined
      talk.waiting.push(pending)
      if (step.async !== undefined) {
        this.#pending.set(step.async, pending)
        return undefined
      }
      const captured = new Map(this.#memory.capturedByField)
      const answer = await this.#answer(pending, step)
      if (!isObject(answer)) return answer
      const again = [
        ...(step.retry ?? []),
        ...(COORDINATOR_APIS.has(api) && !step.keep ? COORDINATOR_ERRORS : []),
      ]
      const codes = errorCodes(answer)
      const isAnswer = !again.some((code) => codes.has(code)) && isReached(step, answer)
      if (isAnswer) return answer
      if (performance.now() > untilMs)
        return step.until ? { ...answer, _until: 'the awaited answer never came' } : answer
      this.#memory.capturedByField = captured
      await sleep(tries < 50 ? 20 : 100)
    }
  }

  #send(step: Step, talk: Talk): Pending {
    const { api, version } = { api: step.api!, version: step.version! }
    const clientId = step.client === undefined ? 'behave' : step.client && fillName(step.client, this.#memory)
    const correlationId = ++talk.correlationId
    const bytes = encodeRequest(api, version, {
      correlationId,
      clientId,
      headerTags: step.headerTags ?? {},
      body:
        step.rawBody === undefined
          ? fill(step.request ?? {}, this.#memory)
          : Buffer.from(step.rawBody, 'hex'),
    })
    const sentMs = performance.now()
    talk.connection.write(bytes)
    return { talk, correlationId, api, version, step, sentMs }
  }

  #awaited(step: Step, name: string): Promise<Json> {
    const pending = this.#pending.get(name)
    if (!pending) throw new ScenarioStopped(`nothing was sent as ${name}`)
    this.#pending.delete(name)
    return this.#answer(pending, { ...pending.step, ...step })
  }

  async #answer(pending: Pending, step: Step): Promise<Json> {
    const frame = await this.#frameOf(pending, step.ms ?? this.#patienceMs)
    const tookMs = performance.now() - pending.sentMs
    if (typeof frame === 'string') return frame
    const { api, version } = pending
    const answer = this.#tidy(api, decodeResponse(api, version, frame).body, step) as JsonObject
    const { under, over } = step.took ?? {}
    if (under !== undefined && tookMs > under) answer._took = `${tookMs.toFixed(0)} ms, not under ${under}`
    if (over !== undefined && tookMs < over) answer._took = `${tookMs.toFixed(0)} ms, not over ${over}`
    return answer
  }

  /** Takes answers in the order of the requests until the wanted one; those of other requests are kept for when they are awaited. */
  async #frameOf(wanted: Pending, timeoutMs: number): Promise<Buffer | 'silent' | 'closed'> {
    const { talk } = wanted
    const early = talk.early.get(wanted)
    if (early) {
      talk.early.delete(wanted)
      return early
    }
    for (;;) {
      const frame = await talk.connection.frame(timeoutMs)
      if (typeof frame === 'string') return frame
      const next = talk.waiting.shift()
      const correlationId = frame.readInt32BE(0)
      if (correlationId !== next?.correlationId) {
        const expected = next?.correlationId ?? 'none'
        throw new ScenarioStopped(
          `answer carries correlation id ${correlationId}, wanted ${expected}: answers out of order`,
        )
      }
      if (next === wanted) return frame
      talk.early.set(next, frame)
    }
  }

  /** From the answer to what is compared; captures on the way. */
  #tidy(api: string, body: JsonObject, step: Step): Json {
    const answer = withDescribedRecords(body)
    for (const [path, field] of Object.entries(step.only ?? {})) this.#keepOwn(answer, path, field)
    for (const [name, path] of Object.entries(step.capture ?? {})) this.#capture(answer, name, path)
    for (const path of Object.keys(step.ignore ?? {})) for (const place of find(answer, path)) remove(place)
    return normalise(answer, api, this.#memory)
  }

  #keepOwn(answer: Json, path: string, field: string): void {
    const known = [...this.#memory.variables.values()].map(String)
    for (const place of find(answer, path)) {
      const elements = at(place) as Json[]
      const own = elements.filter((element) => {
        const text = String(field === '' ? element : (element as JsonObject)[field])
        return text.startsWith(this.#memory.unique) || known.includes(text)
      })
      ;(place.holder as JsonObject)[place.key] = own
    }
  }

  #capture(answer: Json, variable: string, path: string): void {
    const [place] = find(answer, fillName(path, this.#memory))
    if (!place)
      throw new ScenarioStopped(`nothing at ${path} to capture as \${${variable}} in ${short(answer, 300)}`)
    if (variable.startsWith('=')) {
      this.#memory.capture(variable.slice(1), at(place), undefined)
      return
    }
    const field = typeof place.key === 'string' ? place.key : path.split('.').at(-1)!.split('[')[0]!
    this.#memory.capture(variable, at(place), field)
  }

  /** Creates a topic and waits until it is served. */
  async #prepareTopic(step: Step, topic: string): Promise<void> {
    const name = fillName(topic, this.#memory)
    const prepared = await this.#broker.prepareTopic(
      name,
      step.partitions ?? 1,
      step.configs ?? {},
      this.#patienceMs,
    )
    // Group coordinators may learn of a topic a moment later.
    if (step.settle !== undefined) await sleep(step.settle)
    this.#memory.baseEpoch ??= prepared.leaderEpoch
    const variable = `${topic.slice(topic.indexOf('-') + 1)}.id`
    if (prepared.topicId !== undefined) this.#memory.capture(variable, prepared.topicId, 'topicId')
  }
}

function isReached(step: Step, answer: Json): boolean {
  return Object.entries(step.until ?? {}).every(([path, value]) =>
    find(answer, path).some((place) => isDeepStrictEqual(at(place), value)),
  )
}

function remove({ holder, key }: Place): void {
  if (!Array.isArray(holder)) delete holder[key]
}

/** Fetched record bytes as batches that can be read and compared. */
function withDescribedRecords<T extends Json>(value: T): T {
  if (Array.isArray(value)) return value.map(withDescribedRecords) as T
  if (!isObject(value)) return value
  const entries = Object.entries(value).map(([name, field]) => [
    name,
    name === 'records' && typeof field === 'string'
      ? describeBatches(Buffer.from(field, 'hex'))
      : withDescribedRecords(field),
  ])
  return Object.fromEntries(entries) as T
}
