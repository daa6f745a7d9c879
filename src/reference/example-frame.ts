import type { Catalog } from '../inspector/catalog.ts'
import { contextOf } from '../inspector/context.ts'
import { inspectFrame } from '../inspector/frames.ts'
import { Interpreter } from '../inspector/interpreter.ts'
import { type Inspection, regionOf } from '../inspector/node.ts'
import { draft } from '../inspector/node-builder.ts'
import { annotate } from '../inspector/notes.ts'
import { inspectRecords } from '../inspector/record-batches.ts'
import { RequestHeader, ResponseHeader } from '../protocol/generated/headers.ts'
import { apis, messages } from '../protocol/generated/index.ts'
import { Writer } from '../protocol/writer.ts'
import type { ApiSpec, MessageSpec } from '../specs/spec.ts'
import { exampleBatch, exampleStruct } from './example-value.ts'

const CORRELATION_ID = 7

/** A request or response as it could go over the wire, with what each of its bytes is. */
export async function exampleFrame(
  catalog: Catalog,
  api: ApiSpec,
  role: 'request' | 'response',
  version: number,
): Promise<Inspection & { readonly bytes: Buffer }> {
  const codecs = await apis.find(({ key }) => key === api.key)!.load()
  const writer = new Writer()
  if (role === 'request') {
    const header = {
      requestApiKey: api.key,
      requestApiVersion: version,
      correlationId: CORRELATION_ID,
      clientId: 'shop',
    }
    const headerVersion = codecs.requestHeaderVersion(version)
    RequestHeader.encode(writer, headerVersion === 0 ? { ...header, clientId: '' } : header, headerVersion)
  } else
    ResponseHeader.encode(writer, { correlationId: CORRELATION_ID }, codecs.responseHeaderVersion(version))
  const spec = api[role]
  codecs[role].encode(writer, exampleStruct(spec.root, version, spec.name), version)
  const message = writer.finishCopy()
  const bytes = Buffer.alloc(4 + message.length)
  bytes.writeInt32BE(message.length)
  message.copy(bytes, 4)
  const options = { role, apiKey: api.key, version }
  return { ...inspectFrame(regionOf(bytes), 0, options, contextOf(catalog)), bytes }
}

/** The same for a record, a blob, a header, or a batch; undefined for other layouts, which have no codec. */
export async function exampleMessage(
  catalog: Catalog,
  spec: MessageSpec,
  version: number,
): Promise<(Inspection & { readonly bytes: Buffer }) | undefined> {
  if (spec.name === 'RecordBatch' || spec.name === 'Record') return exampleOfBatch(catalog)
  const codec = await messages.find(({ name }) => name === spec.name)?.load()
  if (codec === undefined) return undefined
  const writer = new Writer()
  codec.encode(writer, exampleStruct(spec.root, version, spec.name), version)
  const bytes = writer.finishCopy()
  const region = regionOf(bytes)
  const root = draft(region, 0, 'struct', spec.name, '', spec.name)
  const interpreter = new Interpreter(region, 0, bytes.length, contextOf(catalog))
  const body = interpreter.message(spec, version, spec.name, root)
  annotate(body, catalog)
  return { title: `${spec.name} ${version}`, root: body, problem: interpreter.problem, bytes }
}

function exampleOfBatch(catalog: Catalog): Inspection & { readonly bytes: Buffer } {
  const bytes = exampleBatch()
  const region = regionOf(bytes)
  const root = draft(region, 0, 'array', 'batches', '', '[]RecordBatch')
  const { problem } = inspectRecords(region, 0, bytes.length, root, contextOf(catalog))
  return { title: 'RecordBatch', root, problem, bytes }
}
