import type { ApiSpec } from '../specs/spec.ts'
import type { Catalog } from './catalog.ts'
import type { Budget } from './context.ts'
import { diagnoseFrame } from './diagnose.ts'
import { diagnoseRecordFields } from './diagnose-records.ts'
import { STANDARD } from './dialect.ts'
import { type FrameInspection, type FrameOptions, inspectFrame } from './frames.ts'
import { type Inspection, type Problem, type Region, slice } from './node.ts'
import { isPlausible, oddity } from './plausibility.ts'
import { count, hex } from './words.ts'

const API_VERSIONS = 18
const UNSUPPORTED_VERSION = 35
const SIZE_BYTES = 4
/** The shortest request: key, version, correlation id. */
const MIN_REQUEST_BYTES = 8
/** Bytes that all readings of one response together may go over. */
const MAX_WORK_BYTES = 32 * 1024 * 1024
const MAX_CLIENT_ID = 255
/** No API has had so many. */
const MAX_VERSION = 100

/** What is known of frames before they are looked at. */
export interface FrameHints {
  readonly role?: 'request' | 'response' | undefined
  readonly apiKey?: number | undefined
  readonly version?: number | undefined
  /** Whether frames begin with their size. */
  readonly isSized?: boolean | undefined
}

/** A frame with how sure it is that it is one. */
export interface RecognisedFrame extends Inspection {
  readonly certainty: string
  readonly frame: FrameInspection
}

/** An API in a version. */
interface Form {
  readonly apiKey: number
  readonly version: number
}

/**
 * Reads frames one after the other and finds out of each what it is: a request says so itself, a response is recognised by a request
 * before it that has its correlation id, or else by what fits.
 */
export class FrameRecogniser {
  readonly #catalog: Catalog
  readonly #hints: FrameHints
  readonly #newBudget: () => Budget
  /** By correlation id. */
  readonly #requests = new Map<number, Form>()

  constructor(catalog: Catalog, hints: FrameHints, newBudget: () => Budget) {
    this.#catalog = catalog
    this.#hints = hints
    this.#newBudget = newBudget
  }

  /** Recognises the frame that begins at `position`. */
  next(region: Region, position: number): RecognisedFrame {
    const isSized = this.#hints.isSized ?? this.#isSized(region, position)
    const recognised = this.#recognise(region, position, isSized)
    const { frame } = recognised
    if (frame.role === 'request' && frame.api !== undefined && frame.correlationId !== undefined)
      this.#requests.set(frame.correlationId, { apiKey: frame.api.key, version: frame.version! })
    return recognised
  }

  /** Whether the first four bytes are a size: it leads to the end or to another frame, or nothing else makes sense. */
  #isSized(region: Region, position: number): boolean {
    const there = region.origin + region.bytes.length
    const head = slice(region, position, SIZE_BYTES)
    if (head.length < SIZE_BYTES) return true
    const end = position + SIZE_BYTES + head.readInt32BE()
    if (end === there) return true
    if (this.#fitsUnsized(region, position)) return false
    return true
  }

  #fitsUnsized(region: Region, position: number): boolean {
    const { role, apiKey, version } = this.#hints
    const request =
      role === 'response' ? undefined : this.#read(region, position, { role: 'request', isSized: false })
    if (request !== undefined && this.#fits(request)) return true
    if (role === 'request' || apiKey === undefined || version === undefined) return false
    const response = this.#read(region, position, { role: 'response', apiKey, version, isSized: false })
    return this.#fits(response)
  }

  #recognise(region: Region, position: number, isSized: boolean): RecognisedFrame {
    const { role, apiKey } = this.#hints
    if (role !== 'response') {
      // Who names an API without a direction names that of a response, which does not say it itself.
      const told = role === 'request' ? this.#hints : {}
      const options: FrameOptions = { ...told, role: 'request', isSized }
      const request = this.#read(region, position, options)
      if (role === undefined && apiKey !== undefined && !(this.#fits(request) && request.api?.key === apiKey))
        return this.#response(region, position, isSized)
      if (this.#fits(request)) {
        return this.#result(request, options, 'a request: its header says which, and all of it fits')
      }
      if (role === 'request') return this.#result(request, options, 'a request, as you said')
      if (
        this.#looksLikeRequest(request, isSized) &&
        this.#matching(region, position, isSized) === undefined
      ) {
        const response = this.#guess(region, position, isSized)
        if (response === undefined || request.api !== undefined)
          return this.#result(request, options, 'a request by its header, although not all of it fits')
      }
    }
    return this.#response(region, position, isSized)
  }

  #response(region: Region, position: number, isSized: boolean): RecognisedFrame {
    const { apiKey, version } = this.#hints
    if (apiKey !== undefined && version !== undefined) {
      const options: FrameOptions = { role: 'response', apiKey, version, isSized }
      return this.#result(this.#read(region, position, options), options, 'a response, as you said')
    }
    const matching = this.#matching(region, position, isSized)
    if (matching !== undefined) return matching
    const guess = this.#guess(region, position, isSized)
    if (guess !== undefined) return guess
    const options: FrameOptions = { role: 'response', isSized, ...this.#furthest(region, position, isSized) }
    const frame = this.#read(region, position, options)
    if (options.apiKey === undefined) return unknown(frame)
    const certainty =
      'a response of the API that you named, in the version that fits best; --version tells which it should be'
    return this.#result(frame, options, certainty)
  }

  /** The answer to a request that came before. */
  #matching(region: Region, position: number, isSized: boolean): RecognisedFrame | undefined {
    const at = position + (isSized ? SIZE_BYTES : 0)
    const bytes = slice(region, at, 4)
    const form = bytes.length === 4 ? this.#requests.get(bytes.readInt32BE()) : undefined
    if (form === undefined) return undefined
    const options: FrameOptions = { role: 'response', isSized, ...form }
    const certainty = `the response to the request with correlation id ${bytes.readInt32BE()} above`
    const frame = this.#read(region, position, options)
    if (form.apiKey === API_VERSIONS && !this.#fits(frame)) {
      const refusal = { ...options, version: 0 }
      const refused = this.#read(region, position, refusal)
      const error = refused.root.children.at(-1)?.children[0]?.value
      if (this.#fits(refused) && error === UNSUPPORTED_VERSION)
        return this.#result(refused, refusal, certainty)
    }
    return this.#result(frame, options, certainty)
  }

  /** The response that fits best of all APIs and versions. */
  #guess(region: Region, position: number, isSized: boolean): RecognisedFrame | undefined {
    const found: { readonly options: FrameOptions; readonly odd: number; readonly api: ApiSpec }[] = []
    const size = Math.max(1, region.bytes.length - (position - region.origin))
    let work = 0
    for (const { api, version } of this.#forms()) {
      work += size
      if (work > MAX_WORK_BYTES) break
      const options: FrameOptions = { role: 'response', apiKey: api.key, version, isSized }
      const frame = this.#read(region, position, { ...options, opensContents: false })
      if (!frame.isComplete || frame.ownProblem !== undefined) continue
      if (isPlausible(frame.root, this.#catalog))
        found.push({ options, odd: oddity(frame.root, this.#catalog), api })
    }
    const least = Math.min(...found.map(({ odd }) => odd))
    const best = found.filter(({ odd }) => odd === least)
    const [first] = best
    if (first === undefined) return undefined
    const frame = this.#read(region, position, first.options)
    return this.#result(frame, first.options, guessText(best))
  }

  /** What a response may be, by what is known: newest versions first. */
  *#forms(): Generator<{ api: ApiSpec; version: number }> {
    const { apiKey, version } = this.#hints
    for (const api of this.#catalog.apis) {
      if (apiKey !== undefined && api.key !== apiKey) continue
      const { from, to } = api.response.versions
      for (let each = to; each >= from; each--) {
        if (version === undefined || version === each) yield { api, version: each }
      }
    }
  }

  /** With only the API given and no version that fits: the one that can be read the furthest. */
  #furthest(region: Region, position: number, isSized: boolean): Form | undefined {
    if (this.#hints.apiKey === undefined) return undefined
    let best: Form | undefined
    let longest = -1
    for (const { api, version } of this.#forms()) {
      const form = { apiKey: api.key, version }
      const { length } = this.#read(region, position, { role: 'response', isSized, ...form }).root
      if (length <= longest) continue
      longest = length
      best = form
    }
    return best
  }

  #read(region: Region, position: number, options: FrameOptions): FrameInspection {
    return inspectFrame(region, position, options, {
      catalog: this.#catalog,
      dialect: STANDARD,
      budget: this.#newBudget(),
    })
  }

  #fits(frame: FrameInspection): boolean {
    return frame.isComplete && frame.ownProblem === undefined && isPlausible(frame.root, this.#catalog)
  }

  /** Whether the header of a request that does not fit is one all the same. */
  #looksLikeRequest(frame: FrameInspection, isSized: boolean): boolean {
    const { api, version, region, position } = frame
    const start = position + (isSized ? SIZE_BYTES : 0)
    const head = slice(region, start, MIN_REQUEST_BYTES + 2 + MAX_CLIENT_ID)
    if (head.length < 4) return false
    // Backwards, as who writes little-endian has it.
    const [key, number] = [head.readInt16LE(0), head.readInt16LE(2)]
    const isBackwards = isVersionOf(this.#catalog.api(key), number)
    if (api === undefined) return isBackwards && key > 0
    if (!isVersionOf(api, version)) return isBackwards || (version! > 0 && version! < MAX_VERSION)
    if (frame.headerVersion === 0 || head.length < MIN_REQUEST_BYTES) return true
    return isClientId(head.subarray(MIN_REQUEST_BYTES))
  }

  #result(frame: FrameInspection, options: FrameOptions, certainty: string): RecognisedFrame {
    return { title: frame.title, root: frame.root, problem: this.#problem(frame, options), certainty, frame }
  }

  /** What is wrong, explained as far as it can be. */
  #problem(frame: FrameInspection, options: FrameOptions): Problem | undefined {
    const { ownProblem, problem, isComplete, root } = frame
    if (ownProblem === undefined) return diagnoseRecordFields(root, problem, this.#catalog)
    // Tags out of order need no explanation when all the rest can be read.
    if (isComplete) return problem
    return diagnoseFrame(frame, options, this.#catalog) ?? problem
  }
}

/** What fits nothing. The first bytes are to blame when they lead nowhere. */
function unknown(frame: FrameInspection): RecognisedFrame {
  const { root, region, position, end } = frame
  const certainty =
    'neither a request nor a response of any known API fits; --api and --version tell what it should be'
  const there = region.origin + region.bytes.length
  const head = slice(region, position, SIZE_BYTES)
  if (end === there && end > position + SIZE_BYTES && frame.problem !== undefined)
    return { title: 'Unknown response', root, problem: frame.problem, certainty, frame }
  const problem: Problem = {
    kind: 'content',
    region,
    position,
    length: head.length,
    path: '',
    found: `${hex(head)} begins nothing that Kafka writes`,
    expected: 'the size of a frame, the key of an API, or a record batch',
    cause: 'these are other bytes, or they begin in the middle of something',
  }
  return { title: 'Unknown bytes', root: { ...root, children: [] }, problem, certainty, frame }
}

function isVersionOf(api: ApiSpec | undefined, version: number | undefined): boolean {
  return api !== undefined && version! >= api.request.versions.from && version! <= api.request.versions.to
}

/** Whether a header may go on so: with a client id as it should be, or with a compact one. */
function isClientId(bytes: Buffer): boolean {
  if (bytes.length < 2) return true
  const length = bytes.readInt16BE()
  if (length >= -1 && length <= MAX_CLIENT_ID) return length <= 0 || isText(bytes.subarray(2, 2 + length))
  const compact = bytes[0]!
  return compact === 1 || (compact < 0x80 && isText(bytes.subarray(1, compact)))
}

function isText(bytes: Buffer): boolean {
  return bytes.length > 0 && bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
}

function guessText(best: readonly { readonly options: FrameOptions; readonly api: ApiSpec }[]): string {
  const names = [...new Set(best.map(({ api }) => api.name))]
  const versions = best.map(({ options }) => options.version!)
  const [name] = names
  if (best.length === 1) return `a response, by its form: only ${name} ${versions[0]} fits`
  if (names.length === 1) {
    return `a response, by its form: only ${name} fits, in versions ${[...versions].sort((a, b) => a - b).join(', ')}`
  }
  const others = names.slice(1, 4).join(', ')
  const more = names.length > 4 ? ` and ${count(names.length - 4, 'other')}` : ''
  return `only a guess: ${others}${more} would fit as well; --api and --version tell what it is`
}
