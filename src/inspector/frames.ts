import type { ApiSpec } from '../specs/spec.ts'
import { openContents } from './contents.ts'
import type { Context } from './context.ts'
import { type Cursor, Stop } from './cursor.ts'
import type { Deviation } from './dialect.ts'
import { Interpreter } from './interpreter.ts'
import { firstProblem, type Inspection, type Problem, type Region, slice } from './node.ts'
import { draft, type NodeDraft } from './node-builder.ts'
import { annotate } from './notes.ts'
import { count, hex } from './words.ts'

const SIZE_BYTES = 4

export interface FrameOptions {
  readonly role: 'request' | 'response'
  /** A request says it itself; a response does not. */
  readonly apiKey?: number | undefined
  readonly version?: number | undefined
  /** Where it should not be the one that goes with the version. */
  readonly headerVersion?: number | undefined
  /** Whether the frame begins with its size; true unless it is told otherwise. */
  readonly isSized?: boolean | undefined
  /** Whether records are opened; true unless it is told otherwise. */
  readonly opensContents?: boolean | undefined
  /** Where the frame ends when it has no size, or another than it says. */
  readonly end?: number | undefined
}

export interface FrameInspection extends Inspection {
  readonly region: Region
  readonly position: number
  readonly role: 'request' | 'response'
  readonly api: ApiSpec | undefined
  readonly version: number | undefined
  readonly headerVersion: number | undefined
  readonly correlationId: number | undefined
  /** Where the next frame begins. */
  readonly end: number
  /** Whether all was read to the end and nothing was left. */
  readonly isComplete: boolean
  /** A mistake of the message itself, not of the records inside. */
  readonly ownProblem: Problem | undefined
  /** Where the dialect mattered first. */
  readonly deviation: Deviation | undefined
}

/** Reads one request or response that begins at `position`. Whatever the bytes are, the answer says what was found. */
export function inspectFrame(
  region: Region,
  position: number,
  options: FrameOptions,
  context: Context,
): FrameInspection {
  return new FrameInspector(region, position, options, context).run()
}

class FrameInspector {
  readonly #region: Region
  readonly #position: number
  readonly #options: FrameOptions
  readonly #context: Context
  readonly #root: NodeDraft
  #interpreter: Interpreter
  #body: NodeDraft | undefined
  #api: ApiSpec | undefined
  #version: number | undefined
  #headerVersion: number | undefined

  constructor(region: Region, position: number, options: FrameOptions, context: Context) {
    this.#region = region
    this.#position = position
    this.#options = options
    this.#context = context
    const there = region.origin + region.bytes.length
    this.#root = draft(region, position, 'struct', 'frame', '', 'frame')
    this.#interpreter = new Interpreter(region, position, options.end ?? there, context)
  }

  run(): FrameInspection {
    let problem: Problem | undefined
    let isComplete = false
    try {
      if (this.#options.isSized !== false) this.#size()
      this.#message()
      isComplete = true
    } catch (error) {
      if (!(error instanceof Stop)) throw error
      problem = error.problem
    }
    const { cursor } = this.#interpreter
    this.#root.length = cursor.position - this.#position
    annotate(this.#root, this.#context.catalog)
    const isOpened = this.#body !== undefined && this.#options.opensContents !== false
    const inside = isOpened ? openContents(this.#body!, this.#context) : undefined
    const role = this.#options.role
    const ownProblem = firstProblem(this.#interpreter.problem, problem)
    return {
      title: this.#title(),
      root: this.#root,
      problem: firstProblem(ownProblem, inside),
      ownProblem,
      region: this.#region,
      position: this.#position,
      role,
      api: this.#api,
      version: this.#version,
      headerVersion: this.#headerVersion,
      correlationId: this.#headerValue('correlationId') as number | undefined,
      end: cursor.end,
      isComplete,
      deviation: cursor.deviation,
    }
  }

  #title(): string {
    const role = this.#options.role === 'request' ? 'Request' : 'Response'
    if (this.#api === undefined) return role
    return `${role} ${this.#api.name} ${this.#version} (key ${this.#api.key})`
  }

  #headerValue(name: string): unknown {
    const header = this.#root.children.find((child) => child.name === 'header')
    return header?.children.find((child) => child.name === name)?.value
  }

  /** Reads the size and holds the rest to it. */
  #size(): void {
    const { cursor, builder } = this.#interpreter
    const node = builder.open(this.#position, 'value', 'size', 'size', 'int32', this.#root)
    node.description = 'Bytes of the frame behind this field.'
    node.encoding = '4 bytes, signed, big-endian'
    const size = cursor.int32('size')
    node.value = size
    node.length = SIZE_BYTES
    node.headLength = SIZE_BYTES
    if (size < 0) {
      cursor.fail(
        'size',
        this.#position,
        'size',
        `${this.#hexFrom(this.#position)} is ${size}`,
        'the bytes that follow',
      )
    }
    const { deviation } = cursor
    const end = this.#options.end ?? cursor.position + size
    this.#interpreter = new Interpreter(this.#region, cursor.position, end, this.#context)
    this.#interpreter.cursor.deviation = deviation
  }

  #message(): void {
    const { role } = this.#options
    if (role === 'request') this.#requestHeader()
    else this.#responseHeader()
    const interpreter = this.#interpreter
    const spec = this.#api![role]
    const { cursor } = interpreter
    try {
      interpreter.message(spec, this.#version!, 'body', this.#root)
    } finally {
      // Also when reading stops inside of it: what was read can be opened.
      this.#body = this.#root.children.at(-1)
    }
    const start = cursor.position
    const left = cursor.remaining
    if (left === 0) return
    const there = this.#region.origin + this.#region.bytes.length
    cursor.position = Math.min(cursor.end, there)
    const found = `${count(left, 'byte')} behind the last field`
    cursor.fail('left over', start, '', found, 'the end of the message')
  }

  #requestHeader(): void {
    const { catalog } = this.#context
    const { cursor } = this.#interpreter
    const start = cursor.position
    let key = this.#options.apiKey
    let version = this.#options.version
    if (cursor.remaining >= 4 && slice(this.#region, start, 4).length === 4) {
      key ??= cursor.int16('header.requestApiKey')
      cursor.position = start + 2
      version ??= cursor.int16('header.requestApiVersion')
      cursor.position = start
    }
    this.#api = key === undefined ? undefined : catalog.api(key)
    this.#version = version
    const isKnown = this.#api !== undefined && isAmong(this.#api.request.versions, version)
    this.#headerVersion =
      this.#options.headerVersion ?? (isKnown ? catalog.requestHeaderVersion(this.#api!, version!) : 1)
    const header = catalog.message('RequestHeader')
    if (isKnown) {
      this.#interpreter.message(header, this.#headerVersion, 'header', this.#root, 'header')
      return
    }
    try {
      this.#interpreter.message(header, 1, 'header', this.#root, 'header')
    } catch (error) {
      // An unknown API is the first thing that is wrong, whatever comes behind it.
      if (!(error instanceof Stop) || key === undefined) throw error
    }
    if (key !== undefined) this.#refuseUnknown(start, key)
  }

  #refuseUnknown(start: number, key: number): never {
    const cursor: Cursor = this.#interpreter.cursor
    if (this.#api === undefined) {
      cursor.position = start + 2
      const keys = `the key of an API, 0 to ${this.#context.catalog.apis.at(-1)!.key}`
      const cause = 'these bytes are no request, or the frame begins elsewhere'
      cursor.fail(
        'unknown api',
        start,
        'header.requestApiKey',
        `${this.#hexFrom(start)} is ${key}`,
        keys,
        cause,
      )
    }
    const { name, request } = this.#api
    cursor.position = start + 4
    const found = `${this.#hexFrom(start + 2)} is version ${this.#version}`
    const versions = `a version of ${name}, ${request.versions.from} to ${request.versions.to}`
    const cause = 'the client is newer than this description, or asked without looking at ApiVersions'
    cursor.fail('unknown version', start + 2, 'header.requestApiVersion', found, versions, cause)
  }

  #responseHeader(): void {
    const { catalog } = this.#context
    this.#api = this.#options.apiKey === undefined ? undefined : catalog.api(this.#options.apiKey)
    this.#version = this.#options.version
    const { cursor } = this.#interpreter
    const isKnown = this.#api !== undefined && isAmong(this.#api.response.versions, this.#version)
    const due = isKnown ? catalog.responseHeaderVersion(this.#api!, this.#version!) : 0
    this.#headerVersion = this.#options.headerVersion ?? due
    const header = catalog.message('ResponseHeader')
    this.#interpreter.message(header, this.#headerVersion, 'header', this.#root, 'header')
    if (isKnown) return
    const found = 'a body that does not say what it is'
    cursor.fail(
      'unknown api',
      cursor.position,
      '',
      found,
      'to be told the API and the version of the response',
    )
  }

  #hexFrom(start: number): string {
    return hex(slice(this.#region, start, this.#interpreter.cursor.position - start))
  }
}

function isAmong({ from, to }: { from: number; to: number }, version: number | undefined): boolean {
  return version !== undefined && version >= from && version <= to
}
