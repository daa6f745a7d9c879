import { isDeepStrictEqual } from 'node:util'
import { loadSpecs } from '../../src/codegen/load-specs.ts'
import { Catalog } from '../../src/inspector/catalog.ts'
import { contextOf } from '../../src/inspector/context.ts'
import { inspectFrame } from '../../src/inspector/frames.ts'
import { inspectMessage } from '../../src/inspector/inspect-message.ts'
import { toJsonValue } from '../../src/inspector/json-value.ts'
import { type InspectedNode, regionOf, sentence, walk } from '../../src/inspector/node.ts'
import { draft } from '../../src/inspector/node-builder.ts'
import { inspectRecords } from '../../src/inspector/record-batches.ts'
import { type MessageVector, specFolder } from './message-vectors.ts'
import { failed, type Outcome, PASSED } from './outcome.ts'
import type { Vector } from './read-vectors.ts'

/** What the vectors tell of a record. */
interface DescribedBatch {
  readonly records: readonly { readonly key: string | null; readonly value: string | null }[]
}

/** What the specs call otherwise. */
const layouts: Readonly<Record<string, string>> = { AbortedTxn: 'AbortedTransaction' }

/** Checks that the inspector finds in the bytes of a vector what it stands for, and that its fields cover every byte. */
export class InspectionVectors {
  readonly #catalog: Catalog

  constructor(catalog: Catalog) {
    this.#catalog = catalog
  }

  static load(): InspectionVectors {
    return new InspectionVectors(new Catalog(loadSpecs(specFolder())))
  }

  check(vector: Vector): Outcome {
    if (vector.message === 'RecordBatch') return vector.kind === 'build' ? this.#checkBatches(vector) : PASSED
    const message = vector as unknown as MessageVector
    if (message.value === undefined || message.version === undefined) return PASSED
    return message.headerVersion === undefined ? this.#checkMessage(message) : this.#checkFrame(message)
  }

  #checkMessage({ message, version, hex, value }: MessageVector): Outcome {
    const region = regionOf(Buffer.from(hex, 'hex'))
    const layout = layouts[message]
    const spec = this.#catalog.message(layout ?? message)
    const { root, problem } = inspectMessage(spec, version, region, 0, contextOf(this.#catalog))
    if (problem !== undefined) return failed(`inspector: ${sentence(problem)}`)
    // The vectors leave out the version that the layout begins with.
    const expected = layout === undefined ? value : { version, ...(value as object) }
    if (!isDeepStrictEqual(toJsonValue(root), expected)) return failed('the inspector reads another value')
    return coversAll(root)
  }

  #checkFrame({ message, apiKey, version, hex, header, value }: MessageVector): Outcome {
    const role = message.endsWith('Request') ? 'request' : 'response'
    const region = regionOf(Buffer.from(hex, 'hex'))
    const { root, problem } = inspectFrame(region, 0, { role, apiKey, version }, contextOf(this.#catalog))
    if (problem !== undefined) return failed(`inspector: ${sentence(problem)}`)
    const [, ...found] = root.children.map(toJsonValue)
    return isDeepStrictEqual(found, [header, value])
      ? coversAll(root)
      : failed('the inspector reads another value')
  }

  #checkBatches(vector: Vector): Outcome {
    const region = regionOf(Buffer.from(vector.hex as string, 'hex'))
    const root = draft(region, 0, 'array', 'batches', 'batches', '[]RecordBatch')
    root.length = region.bytes.length
    const { problem } = inspectRecords(region, 0, region.bytes.length, root, contextOf(this.#catalog))
    if (problem !== undefined) return failed(`inspector: ${sentence(problem)}`)
    const expected = (vector.batches as DescribedBatch[]).flatMap(({ records }) =>
      records.map(({ key, value }) => [key, value]),
    )
    const found = root.children
      .flatMap(recordsOf)
      .map((record) => [hexOf(record, 'key'), hexOf(record, 'value')])
    return isDeepStrictEqual(found, expected) ? coversAll(root) : failed('the inspector reads other records')
  }
}

/** The records of a batch, or of a message with or without others in it. */
function recordsOf(batch: InspectedNode): readonly InspectedNode[] {
  if (batch.type === 'RecordBatch') return batch.children.at(-1)!.children
  const value = batch.children.find(({ name }) => name === 'value')!
  return value.children[0]?.children ?? [batch]
}

function hexOf(record: InspectedNode, name: string): string | null {
  const value = record.children.find((child) => child.name === name)!.value as Buffer | null
  return value === null ? null : value.toString('hex')
}

/** Every byte belongs to one field and to no other. */
function coversAll(root: InspectedNode): Outcome {
  let position = root.position
  for (const node of walk(root)) {
    if (node.region !== root.region) continue
    const isOpened = node.children.length > 0
    if (!isOpened && node.position !== position)
      return failed(`${node.path} begins at ${node.position}, not ${position}`)
    if (!isOpened) position = node.position + node.length
    else if (node.children[0]!.region !== root.region) position = node.position + node.length
    else position = Math.max(position, node.children[0]!.position)
  }
  const end = root.position + root.length
  return position === end ? PASSED : failed(`the fields end at ${position}, not ${end}`)
}
