import { type Address, BrokerUnderTest } from './broker-under-test.ts'
import { differences, isObject, type Json, onlyErrors, short } from './json.ts'
import { ScenarioStopped } from './memory.ts'
import { hasCodec } from './messages.ts'
import { inOrderThroughout } from './normalise.ts'
import { Player } from './player.ts'
import type { Scenario, ScenarioFile, Step } from './scenario.ts'

/** A broker that the runner may use, made with the settings of a file. */
export interface RunningBroker {
  readonly address: Address
  /** Why it is not there any more; undefined while it may be. */
  failure?(): string | undefined
  stop(): Promise<void>
}

export interface RunOptions {
  /** A fresh broker with these settings, or one that runs already. */
  readonly start: (settings: Readonly<Record<string, string>>) => Promise<RunningBroker>
  /** Only scenarios whose name contains one of these. */
  readonly only?: readonly string[]
  /** Also compare refusals that only a broker without old versions makes. */
  readonly isKafka4?: boolean
  /** Longest wait for an answer or an awaited state. */
  readonly patienceMs?: number
  /** Every differing field of a step, not only the first. */
  readonly showAll?: boolean
  readonly onResult?: (result: ScenarioResult) => void
}

export interface ScenarioResult {
  readonly name: string
  readonly area: string
  readonly status: 'passed' | 'failed' | 'skipped'
  /** What went wrong, or why it was skipped. */
  readonly lines: readonly string[]
  readonly durationMs: number
}

/** Plays files of scenarios, one broker per set of settings. */
export async function runFiles(
  files: readonly ScenarioFile[],
  options: RunOptions,
): Promise<ScenarioResult[]> {
  const bySettings = groupBy(files, ({ settings }) => JSON.stringify(Object.entries(settings).sort()))
  const results: ScenarioResult[] = []
  const prefix = uniquePrefix()
  for (const group of bySettings.values()) {
    const { settings } = group[0]!
    let running = await options.start(settings)
    try {
      let broker = await BrokerUnderTest.meet(running.address, running.failure)
      for (const scenario of group.flatMap(({ scenarios }) => scenarios)) {
        if (options.only && !options.only.some((text) => scenario.name.includes(text))) continue
        const unique = prefix + String(results.length + 1).padStart(3, '0')
        let result = await runScenario(broker, scenario, unique, options)
        if (result.status === 'failed' && !(await broker.isAlive())) {
          result = { ...result, lines: [...result.lines, '     the broker died in this scenario'] }
          await running.stop()
          running = await options.start(settings)
          broker = await BrokerUnderTest.meet(running.address, running.failure)
        }
        results.push(result)
        options.onResult?.(result)
      }
    } finally {
      await running.stop()
    }
  }
  return results
}

export function groupBy<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const value of values) {
    const key = keyOf(value)
    const group = groups.get(key)
    if (group) group.push(value)
    else groups.set(key, [value])
  }
  return groups
}

/** Consonants, so that no name becomes a word or an illegal one. */
function uniquePrefix(): string {
  const letters = 'bcdfghjkmnpqrstvwxz'
  return Array.from({ length: 3 }, () => letters[Math.floor(Math.random() * letters.length)]).join('')
}

async function runScenario(
  broker: BrokerUnderTest,
  scenario: Scenario,
  unique: string,
  options: RunOptions,
): Promise<ScenarioResult> {
  const startMs = performance.now()
  const result = (status: ScenarioResult['status'], lines: string[]) => {
    const { name, area } = scenario
    return { name, area, status, lines, durationMs: performance.now() - startMs }
  }
  const reason = reasonToSkip(broker, scenario, options)
  if (reason !== undefined) return result('skipped', [reason])
  const player = new Player(broker, scenario, unique, options.patienceMs ?? 15_000)
  const lines: string[] = []
  try {
    for (const [i, step] of scenario.steps.entries()) {
      const outcome = await runStep(player, step, options)
      if (outcome.lines.length > 0) {
        lines.push(`FAIL ${scenario.name} step ${i + 1}: ${step.means ?? nameOf(step)}`)
        if (lines.length === 1) lines.push(`     shows: ${scenario.shows}`)
        const request = short(step.request ?? step.raw ?? '')
        lines.push(...outcome.lines, `     request: ${nameOf(step)} ${step.version ?? ''} ${request}`)
      }
      if (outcome.isOver) break
    }
  } finally {
    player.close()
  }
  return result(lines.length > 0 ? 'failed' : 'passed', lines)
}

const nameOf = (step: Step) => step.api ?? Object.keys(step).find((name) => name !== 'means') ?? 'step'

async function runStep(
  player: Player,
  step: Step,
  options: RunOptions,
): Promise<{ lines: string[]; isOver: boolean }> {
  let got: Json | undefined
  try {
    got = await player.play(step)
  } catch (error) {
    const isKnown = error instanceof ScenarioStopped
    return {
      lines: [`     ${isKnown ? error.message : `the answer cannot be read: ${error}`}`],
      isOver: true,
    }
  }
  if (step.expect === undefined && got === undefined) return { lines: [], isOver: false }
  const expected = step.expect ?? null
  // A recorded answer of bare errors keeps the order that its full elements had.
  const found = step.anyError
    ? differences(expected, onlyErrors(got ?? null))
    : differences(inOrderThroughout(expected, step.api ?? step.decode?.[0] ?? ''), got ?? null)
  const shownDifferences = options.showAll ? found : found.slice(0, 1)
  const lines = shownDifferences.map(
    ({ path, expected: wanted, got: received }) =>
      `     ${path}: expected ${short(wanted)}, got ${short(received)}`,
  )
  if (found.length > shownDifferences.length)
    lines.push(`     (and ${found.length - shownDifferences.length} more)`)
  return { lines, isOver: found.length > 0 && !isObject(got) && typeof expected !== 'string' }
}

function reasonToSkip(broker: BrokerUnderTest, scenario: Scenario, options: RunOptions): string | undefined {
  if (scenario.kafka4Only && !options.isKafka4)
    return 'a refusal that only Kafka 4 makes (--kafka4 compares it)'
  for (const step of scenario.steps) {
    const apis = [step.api, step.decode?.[0]].filter((api) => api !== undefined)
    const unknown = apis.find((api) => !hasCodec(api))
    if (unknown !== undefined) return `no codec for API: ${unknown}`
  }
  const advertised = scenario.steps.filter((step) => step.api !== undefined && !step.unadvertised)
  const needs = [...advertised.map((step) => [step.api!, step.version!] as const), ...(scenario.needs ?? [])]
  for (const [api, version] of needs) {
    if (!broker.advertises(api)) return `API not advertised: ${api}`
    if (!broker.serves(api, version)) return `version not advertised: ${api} ${version}`
  }
  return undefined
}
