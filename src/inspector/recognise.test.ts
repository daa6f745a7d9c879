import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { contextOf } from './context.ts'
import { inspectFrame } from './frames.ts'
import { type InspectedNode, type ProblemKind, regionOf } from './node.ts'
import { type FrameHints, FrameRecogniser, type RecognisedFrame } from './recognise.ts'
import { catalog } from './test-support/catalog.ts'
import * as mistakes from './test-support/mistakes.ts'

/** A whole frame, made by Kafka's own classes. */
interface Frame {
  readonly message: string
  readonly apiKey: number
  readonly version: number
  readonly hex: string
}

const data = new URL('../../integration-tests/vectors/data/frames.jsonl.gz', import.meta.url)
const frames = gunzipSync(readFileSync(data))
  .toString()
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Frame)

const roleOf = ({ message }: Frame) => (message.endsWith('Request') ? 'request' : 'response')
const keepAll = () => ({ maxElements: Number.POSITIVE_INFINITY, nodesLeft: Number.POSITIVE_INFINITY })

function recognise(bytes: Buffer, hints: FrameHints = {}): RecognisedFrame {
  return new FrameRecogniser(catalog, hints, keepAll).next(regionOf(bytes), 0)
}

describe('frames that Kafka wrote', () => {
  test('requests are recognised, responses by their form, and none is said to be wrong', () => {
    const wrong: string[] = []
    for (const each of frames) {
      const { frame, problem, certainty } = recognise(Buffer.from(each.hex, 'hex'))
      const isGuess = certainty.startsWith('only a guess')
      const isRight = frame.role === roleOf(each) && (isGuess || frame.api?.key === each.apiKey)
      if (!isRight || problem !== undefined) wrong.push(`${each.message} ${each.version}: ${certainty}`)
    }
    expect(wrong).toEqual([])
  })

  test('also without their size', () => {
    for (const each of frames.filter((frame) => roleOf(frame) === 'request')) {
      const { frame, problem } = recognise(Buffer.from(each.hex, 'hex').subarray(4), { isSized: false })
      expect([frame.api?.key, frame.version, problem]).toEqual([each.apiKey, each.version, undefined])
    }
  })
})

test('a response is known by the request before it', () => {
  const recogniser = new FrameRecogniser(catalog, {}, keepAll)
  const bytes = Buffer.from(
    `${'0000000d'}0012000000000007${'0003636c69'}${'0000000a'}00000007${'0023'}${'00000000'}`,
    'hex',
  )
  const request = recogniser.next(regionOf(bytes), 0)
  const response = recogniser.next(regionOf(bytes), request.frame.end)
  expect([request.title, response.title]).toEqual([
    'Request ApiVersions 0 (key 18)',
    'Response ApiVersions 0 (key 18)',
  ])
  expect(response.certainty).toBe('the response to the request with correlation id 7 above')
})

test('ApiVersions in a version that the broker does not know is answered in version 0', () => {
  const recogniser = new FrameRecogniser(catalog, {}, keepAll)
  const request = Buffer.from('0000001200120004000000070003636c6900010100', 'hex')
  request.writeInt32BE(request.length - 4)
  const response = Buffer.from('000000100000000700230000000100120000000 4'.replace(' ', ''), 'hex')
  recogniser.next(regionOf(request), 0)
  const { title, problem } = recogniser.next(regionOf(response), 0)
  expect([title, problem]).toEqual(['Response ApiVersions 0 (key 18)', undefined])
})

describe('a mistake in a frame of any API is named, at the right byte', () => {
  /** Every so many frames, to save time. */
  const sample = frames.filter((_, index) => index % 7 === 0)

  const cases: readonly [string, ProblemKind, (root: InspectedNode) => mistakes.Mistake | undefined][] = [
    ['header without tagged fields', 'header version', mistakes.headerWithoutTags],
    ['client id with a compact length', 'client id', mistakes.compactClientId],
    ['no tagged fields in structs', 'tag section', (root) => mistakes.missingTags(root, 'nested')],
    ['null for what is empty', 'null', mistakes.nullForEmpty],
    ['size that counts itself', 'size', mistakes.sizeOfAll],
  ]

  test.each(cases)('%s', (_, kind, make) => {
    const wrong: unknown[] = []
    let made = 0
    for (const each of sample) {
      const [role, { apiKey, version }] = [roleOf(each), each] as const
      const options = { role, apiKey, version, opensContents: false } as const
      const { root } = inspectFrame(regionOf(Buffer.from(each.hex, 'hex')), 0, options, contextOf(catalog))
      const mistake = make(root)
      if (mistake === undefined) continue
      made++
      const { problem } = recognise(mistake.bytes, role === 'request' ? {} : { role, apiKey, version })
      if (problem?.kind !== kind || problem.position !== mistake.position)
        wrong.push([each.message, version, problem])
    }
    expect(made).toBeGreaterThan(8)
    expect(wrong).toEqual([])
  })
})
