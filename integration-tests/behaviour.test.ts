import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startInProcess } from './behaviour/in-process-broker.ts'
import { runFiles } from './behaviour/run.ts'
import { loadScenarios, type Step } from './behaviour/scenario.ts'

const folder = join(import.meta.dirname, 'behaviour', 'data')
const files = readdirSync(folder).sort()

/** The reason for which a scenario may be skipped: a refusal that only a broker without old versions makes. */
const reasonToSkip = /only Kafka 4/

/** Scenarios that this broker answers otherwise on purpose, with the reason. */
const createdAtOnce = 'Kafka creates the topic after it answered; here it can be used with the first answer'
const otherwise: ReadonlyMap<string, string> = new Map([
  ['01-api-versions-keys', 'the whole list of APIs of Kafka 4.3: what is not served yet is not advertised'],
  ['02-metadata-auto-create-v1', createdAtOnce],
  ['02-metadata-auto-create-v4', createdAtOnce],
  ['02-metadata-auto-create-v9', createdAtOnce],
  ['02-metadata-auto-create-v12', createdAtOnce],
  ['13-log-dirs-v4', 'files in memory lie on no volume that could have a size'],
])

// What takes time in the scenarios is mostly waiting: each file has a broker of its own, and all go on at once.
describe.concurrent('answers as Apache Kafka 4.3.1', () => {
  test.each(files)('%s', async (name) => {
    const file = loadScenarios(join(folder, name))
    const results = await runFiles([file], { start: startInProcess })
    expect(results).toHaveLength(file.scenarios.length)
    const failed = results.filter(({ status }) => status === 'failed')
    expect(failed.filter((result) => !otherwise.has(result.name)).flatMap(({ lines }) => lines)).toEqual([])
    // What is answered like Kafka after all does not belong in the list.
    const expectedToFail = file.scenarios.filter((scenario) => otherwise.has(scenario.name))
    expect(failed.map((result) => result.name)).toEqual(expectedToFail.map((scenario) => scenario.name))
    // A topic that is created at once changes the first answer only.
    const early = failed.filter(({ name }) => otherwise.get(name) === createdAtOnce)
    expect(early.flatMap(({ lines }) => lines).filter((line) => / step ([2-9]|\d\d)/.test(line))).toEqual([])
    const skipped = results.filter(({ status }) => status === 'skipped').map(({ lines }) => lines[0]!)
    expect(skipped.filter((reason) => !reasonToSkip.test(reason))).toEqual([])
  })
})

describe('the runner', () => {
  async function play(...steps: Step[]) {
    const scenario = { name: 'changed', area: 'runner', shows: 'that the runner can fail', steps }
    const [result] = await runFiles([{ path: 'changed.jsonl', settings: {}, scenarios: [scenario] }], {
      start: startInProcess,
      patienceMs: 1000,
    })
    return result!
  }
  const versions = { api: 'ApiVersions', version: 0, ignore: { apiKeys: 'not the point' } }
  const metadata = { api: 'Metadata', version: 12, request: { topics: [] } }

  test('passes what agrees', async () => {
    const answer = { clusterId: '<cluster>', topics: [] }
    const ignore = { brokers: 'not the point', controllerId: 'not the point', errorCode: 'not there' }
    const steps = [
      { ...versions, expect: { errorCode: 0 } },
      { ...metadata, ignore, expect: answer },
    ]
    expect(await play(...steps)).toMatchObject({ status: 'passed', lines: [] })
  })

  test('names the scenario, the step, the path, what was expected and what came', async () => {
    const { status, lines } = await play(
      { ...versions, expect: { errorCode: 0 } },
      { ...versions, means: 'versions of all APIs', expect: { errorCode: 7 } },
    )
    expect(status).toBe('failed')
    expect(lines).toEqual([
      'FAIL changed step 2: versions of all APIs',
      '     shows: that the runner can fail',
      '     .errorCode: expected 7, got 0',
      '     request: ApiVersions 0 ',
    ])
  })

  test.each<[what: string, step: Step, line: string]>([
    ['a field too many', { ...versions, expect: {} }, '.errorCode: expected <absent>, got 0'],
    [
      'a field too few',
      { ...versions, expect: { errorCode: 0, errorMessage: 'x' } },
      '.errorMessage: expected x, got <absent>',
    ],
    [
      'another length',
      { ...metadata, expect: { topics: [1] }, ignore: {} },
      '.topics (length): expected 1, got 0',
    ],
    ['a number that is text', { ...versions, expect: { errorCode: '0' } }, '.errorCode: expected 0, got 0'],
    [
      'an answer where none was',
      { ...versions, expect: 'closed' },
      '.: expected closed, got {"errorCode":0}',
    ],
    [
      'silence where an answer was',
      { raw: '00000004', ms: 50, expect: { errorCode: 0 } },
      '.: expected {"errorCode":0}, got silent',
    ],
    ['an answer that was slow', { ...versions, took: { over: 900 }, expect: { errorCode: 0 } }, '._took: '],
  ])('sees %s', async (_, step, line) => {
    const { status, lines } = await play(step)
    expect(status).toBe('failed')
    expect(lines.join('\n')).toContain(line)
  })

  test('skips what the broker does not advertise, and says what', async () => {
    expect(await play({ ...versions, version: 99 })).toMatchObject({
      status: 'skipped',
      lines: ['version not advertised: ApiVersions 99'],
    })
    expect(await play({ api: 'Vote', version: 0 })).toMatchObject({ status: 'skipped' })
  })
})
