import { BATCH_OVERHEAD, batchSize, LOG_OVERHEAD, leastBatchBytes, MAGIC_AT } from './batch-head.ts'
import { type ChecksumFinding, checkBatch, checkMessage } from './checksums.ts'
import { codecName, openBlock } from './compressed-block.ts'
import type { Context } from './context.ts'
import { Stop } from './cursor.ts'
import type { Deviation } from './dialect.ts'
import { Interpreter } from './interpreter.ts'
import {
  firstProblem,
  type InspectedNode,
  type Problem,
  type ProblemKind,
  type Region,
  slice,
} from './node.ts'
import { draft, NodeBuilder, type NodeDraft, zeros } from './node-builder.ts'
import { batchAttributes, noteDeltas } from './notes.ts'
import { openControlRecord, openRecord } from './record-contents.ts'
import { count, hex } from './words.ts'

const CONTROL_BIT = 0x20
const LITTLE_ENDIAN = 'numbers are written little-endian; Kafka writes the highest byte first'

export interface RecordsOptions {
  /** Where the records belong to: those of internal topics are decoded. */
  readonly topic?: string | undefined
  /** Whether the last batch may be cut off, as in the answer to an old Fetch. */
  readonly mayBeCut?: boolean
}

/** What became of a run of record batches: the nodes are below the parent. */
export interface RecordsInspection {
  readonly problem: Problem | undefined
  /** Where the last batch ended. */
  readonly end: number
  /** Where the dialect mattered first, and in which region. */
  readonly deviation: (Deviation & { readonly region: Region }) | undefined
}

/** Opens record batches and messages of all formats, from `position` to `end`, into children of `parent`. */
export function inspectRecords(
  region: Region,
  position: number,
  end: number,
  parent: NodeDraft,
  context: Context,
  options: RecordsOptions = {},
): RecordsInspection {
  return new RecordsInspector(region, end, parent, context, options).run(position)
}

class RecordsInspector {
  readonly #region: Region
  readonly #end: number
  readonly #parent: NodeDraft
  readonly #context: Context
  readonly #options: RecordsOptions
  readonly #builder: NodeBuilder
  #problem: Problem | undefined
  #deviation: RecordsInspection['deviation']

  constructor(region: Region, end: number, parent: NodeDraft, context: Context, options: RecordsOptions) {
    this.#region = region
    this.#end = end
    this.#parent = parent
    this.#context = context
    this.#options = options
    this.#builder = new NodeBuilder(region, context.budget)
  }

  run(start: number): RecordsInspection {
    let position = start
    for (let index = 0; position < this.#end; index++) {
      const next = this.#batch(position, index)
      if (next === undefined) break
      position = next
    }
    return { problem: this.#problem, end: position, deviation: this.#deviation }
  }

  /** Returns where the next batch begins; undefined when there is nothing behind this one that could be read. */
  #batch(position: number, index: number): number | undefined {
    const path = `${this.#parent.path}[${index}]`
    const left = this.#end - position
    const magic = slice(this.#region, position, Math.min(left, MAGIC_AT + 1)).at(MAGIC_AT)
    if (magic === undefined)
      return this.#cut(position, path, `${leastBatchBytes[0]} or more, for no batch is shorter`)
    if (this.#isReserved(position)) {
      this.#parent.children.push(zeros(this.#region, position, left))
      return this.#end
    }
    const node = this.#open(position, 'struct', `[${index}]`, path, magic === 2 ? 'RecordBatch' : 'Message')
    if (!this.#builder.keeps(index)) {
      this.#parent.children.pop()
      this.#parent.omitted++
    }
    if (magic > 2) {
      const found = `${hex(slice(this.#region, position + MAGIC_AT, 1))} is magic ${magic}`
      const cause = 'these are no record batches, or a batch before is not as long as it says'
      this.#wrong('content', position + MAGIC_AT, 1, `${path}.magic`, found, 'magic 0, 1 or 2', cause)
      node.length = left
      return undefined
    }
    const end = this.#endOf(position, node, path, magic)
    if (end === undefined) return undefined
    try {
      this.#read(node, magic, end)
    } catch (error) {
      if (!(error instanceof Stop)) throw error
      // Where the next batch begins is known all the same.
      this.#tell(error.problem)
    }
    return end
  }

  /** Reads a batch or message into its node, and all that is inside. */
  #read(node: NodeDraft, magic: number, end: number): void {
    const { position, path } = node
    const layout = this.#context.catalog.message(magic === 2 ? 'RecordBatch' : 'Message')
    const interpreter = new Interpreter(this.#region, position, end, this.#context)
    node.description = layout.description
    try {
      interpreter.message(layout, magic, 'header', node, path)
    } finally {
      // Its fields are those of the batch.
      node.children.push(...node.children.pop()!.children)
      for (const child of node.children) batchAttributes(child, magic)
    }
    if (batchSize(this.#region, position) === end - position) {
      const bytes = slice(this.#region, position, end - position)
      this.#checksum(position, path, magic === 2 ? checkBatch(bytes) : checkMessage(bytes), magic)
    }
    if (magic === 2) this.#records(node, end)
    else this.#content(node)
  }

  /** With log.preallocate a segment is longer than what was written to it. */
  #isReserved(position: number): boolean {
    const isZero = (length: number) => slice(this.#region, position, length).every((byte) => byte === 0)
    return isZero(MAGIC_AT + 1) && isZero(this.#end - position)
  }

  #open(position: number, kind: 'struct' | 'array', name: string, path: string, type: string): NodeDraft {
    return this.#builder.open(position, kind, name, path, type, this.#parent)
  }

  /** Where the batch ends by its length; a length that cannot be is told of. Undefined when nothing of it can be read. */
  #endOf(position: number, node: NodeDraft, path: string, magic: number): number | undefined {
    const bytes = slice(this.#region, position + 8, 4)
    const length = bytes.readInt32BE()
    const size = LOG_OVERHEAD + length
    const there = this.#end - position
    const least = leastBatchBytes[magic]!
    node.length = Math.min(there, Math.max(size, least))
    if (size >= least && size <= there) return position + size
    if (size > there && this.#options.mayBeCut === true) {
      node.note = 'cut off'
      return undefined
    }
    const wrong = (kind: ProblemKind, found: string, expected: string, cause: string) =>
      this.#wrong(
        kind,
        position + 8,
        4,
        `${path}.${magic === 2 ? 'batchLength' : 'messageSize'}`,
        found,
        expected,
        cause,
      )
    if (bytes.readInt32LE() === there - LOG_OVERHEAD) {
      const expected = hex(Buffer.from(bytes).reverse())
      wrong(
        'byte order',
        `${hex(bytes)} is ${bytes.readInt32LE()} with the lowest byte first`,
        expected,
        LITTLE_ENDIAN,
      )
      return undefined
    }
    if (size < least) {
      const cause = 'the batch begins elsewhere, or its length was never set'
      wrong('length', `${hex(bytes)} is ${length}`, `a length of ${least - LOG_OVERHEAD} or more`, cause)
      return undefined
    }
    const cause =
      length === there
        ? `the length counts the ${LOG_OVERHEAD} bytes in front of it`
        : 'the batch is cut off, or its length is wrong'
    const expected = `at most ${there - LOG_OVERHEAD}, which is what follows`
    wrong('length', `${hex(bytes)} says ${count(length, 'byte')}`, expected, cause)
    // What is there is shown all the same.
    return there >= least ? this.#end : undefined
  }

  /** Bytes at the end that are too few for a batch. */
  #cut(position: number, path: string, expected: string): undefined {
    const left = this.#end - position
    const node = this.#open(position, 'struct', 'rest', path, 'bytes')
    node.length = left
    if (this.#options.mayBeCut === true) node.note = 'a batch that is cut off'
    else
      this.#wrong(
        'end',
        position,
        left,
        path,
        `${count(left, 'byte')} at the end`,
        expected,
        'the batch is cut off',
      )
    return undefined
  }

  #checksum(position: number, path: string, finding: ChecksumFinding | undefined, magic: number): void {
    if (finding === undefined) return
    const at = position + (magic === 2 ? 17 : 12)
    this.#wrong('crc', at, 4, `${path}.crc`, finding.found, finding.expected, finding.cause)
  }

  /** The records of a batch of magic 2. */
  #records(batch: NodeDraft, end: number): void {
    const position = batch.position + BATCH_OVERHEAD
    const attributes = numberOf(batch, 'attributes')
    const expected = numberOf(batch, 'recordCount')
    const node = draft(this.#region, position, 'array', 'records', `${batch.path}.records`, '[]Record')
    node.length = Math.max(0, Math.min(end, this.#region.origin + this.#region.bytes.length) - position)
    node.description = this.#context.catalog.message('Record').description
    batch.children.push(node)
    const source = this.#source(node, attributes & 0x07, false)
    if (source === undefined) return
    node.encoding =
      source.block === undefined ? 'records, one after the other' : `${source.block.codec} of the records`
    const from = source.block === undefined ? position : 0
    const to = source.block === undefined ? end : source.bytes.length
    this.#recordsIn(source, from, to, node, expected, (attributes & CONTROL_BIT) !== 0, batch)
  }

  #recordsIn(
    region: Region,
    from: number,
    to: number,
    node: NodeDraft,
    expected: number,
    isControl: boolean,
    batch: NodeDraft,
  ): void {
    const layout = this.#context.catalog.message('Record')
    const interpreter = new Interpreter(region, from, to, this.#context)
    const { cursor, builder } = interpreter
    let index = 0
    for (; cursor.remaining > 0; index++) {
      const isKept = builder.keeps(index)
      if (!isKept) node.omitted++
      const start = cursor.position
      const into = isKept ? node : builder.discard()
      try {
        const record = interpreter.message(layout, 2, `[${index}]`, into, `${node.path}[${index}]`)
        const size = Number(record.children[0]!.value)
        const head = record.children[0]!.length
        if (start + head + size !== cursor.position) {
          const used = cursor.position - start - head
          cursor.position = start + head
          const found = `${hex(slice(region, start, head))} says ${count(size, 'byte')}`
          cursor.fail(
            'length',
            start,
            record.children[0]!.path,
            found,
            `${used}, which is what the record takes`,
          )
        }
        if (isKept) this.#openContents(record, isControl, batch)
        if (cursor.deviation !== undefined) this.#deviation ??= { ...cursor.deviation, region }
      } catch (error) {
        if (!(error instanceof Stop) || index < expected) throw error
        // Behind the last record that was announced lies something that is none.
        const cause = 'the count of records is too small, or bytes were appended'
        cursor.position = to
        cursor.fail(
          'left over',
          start,
          node.path,
          `${count(to - start, 'byte')} behind the last record`,
          'the end of the batch',
          cause,
        )
      }
    }
    if (index !== expected) this.#countLies(batch, index, expected)
  }

  #openContents(record: NodeDraft, isControl: boolean, batch: NodeDraft): void {
    noteDeltas(record, batch)
    const problem = isControl
      ? openControlRecord(record, this.#context)
      : openRecord(record, this.#options.topic, this.#context)
    this.#tell(problem)
  }

  #countLies(batch: NodeDraft, index: number, expected: number): void {
    const field = batch.children.find((child) => child.name === 'recordCount')!
    const found = `${hex(slice(field.region, field.position, field.length))} says ${count(expected, 'record')}`
    const cause = 'the count was not set after the last record, or counts something else'
    this.#wrong(
      'record count',
      field.position,
      4,
      field.path,
      found,
      `${index}, for so many lie in the batch`,
      cause,
    )
  }

  /** What an old wrapper holds. */
  #content(message: NodeDraft): void {
    const codec = numberOf(message, 'attributes') & 0x07
    const value = message.children.find((child) => child.name === 'value')!
    if (codec === 0) {
      this.#tell(openRecord(message, this.#options.topic, this.#context))
      return
    }
    if (!Buffer.isBuffer(value.value)) return
    const { length } = value.value
    const at = value.position + value.length - length
    const magic = numberOf(message, 'magic')
    const block = draft(this.#region, at, 'array', 'messages', `${value.path}.messages`, '[]Message')
    block.length = length
    value.children.push(block)
    const region = this.#source(block, codec, magic === 0)
    if (region === undefined) return
    block.encoding = `${codecName(codec)} of the messages`
    const inner = inspectRecords(region, 0, region.bytes.length, block, this.#context, this.#options)
    this.#tell(inner.problem)
  }

  /** Where the records of a node lie, decompressed when there is a codec; undefined when they cannot be. */
  #source(node: NodeDraft, codec: number, isMagic0: boolean): Region | undefined {
    if (codec === 0 || node.length === 0) return node.region
    const block = openBlock(node, codec, isMagic0)
    if (!('reason' in block)) return block
    const cause = 'the attributes name another codec than the one that was used, or the bytes are damaged'
    const shown = Math.min(node.length, 16)
    this.#wrong(
      'content',
      node.position,
      shown,
      node.path,
      block.reason,
      `what ${codecName(codec)} makes`,
      cause,
    )
    return undefined
  }

  #wrong(
    kind: ProblemKind,
    position: number,
    length: number,
    path: string,
    found: string,
    expected: string,
    cause = '',
  ): void {
    this.#tell({ kind, region: this.#region, position, length, path, found, expected, cause })
  }

  #tell(problem: Problem | undefined): void {
    this.#problem = firstProblem(this.#problem, problem)
  }
}

function numberOf(node: InspectedNode, name: string): number {
  return Number(node.children.find((child) => child.name === name)?.value ?? 0)
}
