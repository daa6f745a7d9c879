import { batchSize } from './batch-head.ts'
import { inspectIndex, inspectProducerSnapshot } from './binary-files.ts'
import type { Catalog } from './catalog.ts'
import { checkBatch, checkMessage } from './checksums.ts'
import { type Budget, type Context, contextOf } from './context.ts'
import { diagnoseRecords } from './diagnose-records.ts'
import { type FileKind, fileKindByContent } from './file-kind.ts'
import { type Inspection, type Region, slice, walk } from './node.ts'
import { draft } from './node-builder.ts'
import { type FrameHints, FrameRecogniser } from './recognise.ts'
import { inspectRecords } from './record-batches.ts'
import { inspectTextFile } from './text-files.ts'

/** So many nodes are kept of one input at the most, however high the limit is. */
const MAX_NODES = 100_000

export interface ExplainOptions {
  readonly catalog: Catalog
  readonly hints: FrameHints
  /** What the bytes are: found out when it is left out. */
  readonly kind?: FileKind | 'frames' | 'records' | undefined
  readonly topic?: string | undefined
  readonly baseOffset?: bigint | undefined
  /** Frames, batches, entries and elements that are shown. */
  readonly limit: number
  /** Whether more bytes follow behind the region, which were not read. */
  readonly isWindow?: boolean
}

export interface Explained extends Inspection {
  /** How it is known what the bytes are. */
  readonly certainty: string
}

/** What some bytes are, as far as they were looked at. */
export interface Explanation {
  readonly parts: readonly Explained[]
  /** Where the first byte is that was not looked at. */
  readonly end: number
}

/** Explains bytes of one connection or file. */
export class Explainer {
  readonly #options: ExplainOptions
  readonly #budget: Budget
  /** By connection, since each numbers its requests by itself. */
  readonly #recognisers = new Map<string, FrameRecogniser>()

  constructor(options: ExplainOptions) {
    this.#options = options
    this.#budget = { maxElements: options.limit, nodesLeft: MAX_NODES }
  }

  /** May be called again with what the other side of the same connection sent. */
  explain(region: Region, connection = ''): Explanation {
    const { kind, hints } = this.#options
    if (kind === 'frames') return this.#frames(region, connection)
    if (kind === 'records' || kind === 'segment') return this.#records(region, certaintyOf(kind))
    if (kind !== undefined) return this.#file(kind, region, 'by the name of the file')
    if (Object.values(hints).some((hint) => hint !== undefined)) return this.#frames(region, connection)
    const known = fileKindByContent(region.bytes)
    if (known !== undefined) return this.#file(known, region, 'by its content')
    if (beginsWithBatch(region))
      return this.#records(region, 'record batches: the checksum of the first one fits')
    if (mayBeBatch(region)) {
      const frames = this.#frames(region, connection)
      const { problem, certainty } = frames.parts[0]!
      if (problem === undefined && !certainty.startsWith('only a guess')) return frames
      return this.#records(region, 'record batches, by the length and magic of the first one')
    }
    return this.#frames(region, connection)
  }

  #recogniserOf(connection: string): FrameRecogniser {
    const { catalog, hints } = this.#options
    // Each reading on trial has what is left; only what is shown is taken off.
    const known =
      this.#recognisers.get(connection) ?? new FrameRecogniser(catalog, hints, () => ({ ...this.#budget }))
    this.#recognisers.set(connection, known)
    return known
  }

  #context(): Context {
    return { ...contextOf(this.#options.catalog), budget: this.#budget }
  }

  #file(kind: FileKind, region: Region, certainty: string): Explanation {
    const end = region.origin + region.bytes.length
    const context = this.#context()
    const inspection = (): Inspection => {
      switch (kind) {
        case 'offset index':
        case 'time index':
        case 'transaction index':
          return inspectIndex(kind, region, this.#options.baseOffset, context)
        case 'producer snapshot':
          return inspectProducerSnapshot(region, context)
        default:
          return inspectTextFile(kind, region, this.#options.limit)
      }
    }
    return { parts: [{ ...inspection(), certainty }], end }
  }

  #records(region: Region, certainty: string): Explanation {
    const { catalog, topic, isWindow } = this.#options
    const end = region.origin + region.bytes.length
    const root = draft(region, region.origin, 'array', 'batches', 'batches', '[]RecordBatch')
    root.length = region.bytes.length
    const options = { topic, mayBeCut: isWindow === true }
    const records = inspectRecords(region, region.origin, end, root, this.#context(), options)
    const again = { ...options, path: root.path }
    const problem = diagnoseRecords(region, region.origin, end, records.problem, catalog, again)
    return { parts: [{ title: 'Record batches', root, problem, certainty }], end: records.end }
  }

  /** Frames one after the other, until one is wrong: where the next one would begin is not known then. */
  #frames(region: Region, connection: string): Explanation {
    const parts: Explained[] = []
    const recogniser = this.#recogniserOf(connection)
    const there = region.origin + region.bytes.length
    let position = region.origin
    while (position < there && parts.length < this.#options.limit) {
      const { frame, ...part } = recogniser.next(region, position)
      parts.push(part)
      for (const _ of walk(part.root)) this.#budget.nodesLeft--
      const isSane = frame.end > position && frame.end <= there
      if (!isSane || (part.problem !== undefined && !isFrameAt(region, frame.end))) {
        position = there
        break
      }
      position = frame.end
    }
    return { parts, end: position }
  }
}

function certaintyOf(kind: 'records' | 'segment'): string {
  return kind === 'segment' ? 'record batches, by the name of the file' : 'record batches, as you said'
}

/** Whether the bytes begin with a batch or message whose checksum is right. */
function beginsWithBatch(region: Region): boolean {
  const size = batchSize(region, region.origin)
  if (size === undefined || size > region.bytes.length) return false
  const batch = region.bytes.subarray(0, size)
  return (batch[16] === 2 ? checkBatch(batch) : checkMessage(batch)) === undefined
}

function mayBeBatch(region: Region): boolean {
  const size = batchSize(region, region.origin)
  return size !== undefined && size <= region.bytes.length + 12
}

/** Whether something that could be a frame begins here, after one that was wrong. */
function isFrameAt(region: Region, position: number): boolean {
  const head = slice(region, position, 4)
  const left = region.origin + region.bytes.length - position - 4
  return head.length === 4 && head.readInt32BE() > 0 && head.readInt32BE() <= left
}
