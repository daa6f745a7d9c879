import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Api, Codec } from '../../src/protocol/api.ts'
import { RequestHeader, ResponseHeader } from '../../src/protocol/generated/headers.ts'
import { apis, messages } from '../../src/protocol/generated/index.ts'
import { MalformedMessageError, Reader } from '../../src/protocol/reader.ts'
import { Writer } from '../../src/protocol/writer.ts'
import { type MessageVector, specFolder } from '../vectors/message-vectors.ts'
import { readVectors } from '../vectors/read-vectors.ts'
import { mutateBytes, type SeededRandom, seededRandom } from './mutations.ts'

/** A message as it lies on the wire, its header before it when it has one. */
export interface Sample {
  readonly name: string
  readonly version: number
  readonly parts: readonly { readonly codec: Codec<unknown>; readonly version: number }[]
  readonly bytes: Buffer
}

/** Longer vectors only repeat what shorter ones show, at the price of fewer rounds. */
const MAX_SAMPLE_BYTES = 4096
/** What a decoded value may take for each byte of its frame: a struct of one byte can have a dozen fields at their defaults. */
const BYTES_PER_BYTE = 300
const SPARE_BYTES = 4096

const folder = join(specFolder(), '..', 'integration-tests', 'vectors', 'data')

/** A sample of every vector of every message: all APIs in all versions, requests and responses, records, blobs, headers. */
export async function loadSamples(from = folder): Promise<Sample[]> {
  const codecs = new Map<string, Codec<unknown>>()
  for (const { name, load } of messages) codecs.set(name, await load())
  const apiOf = new Map<string, Api<unknown, unknown>>()
  for (const { load } of apis) {
    const api = await load()
    apiOf.set(api.request.name, api)
    apiOf.set(api.response.name, api)
  }
  const samples: Sample[] = []
  for (const file of readdirSync(from).sort()) {
    for (const vector of readVectors(join(from, file)) as unknown as MessageVector[]) {
      const codec = codecs.get(vector.message)
      if (codec === undefined || vector.headerVersion !== undefined) continue
      const sample = sampleOf(codec, apiOf.get(vector.message), vector)
      if (sample.bytes.length > 0 && sample.bytes.length <= MAX_SAMPLE_BYTES) samples.push(sample)
    }
  }
  return samples
}

function sampleOf(
  codec: Codec<unknown>,
  api: Api<unknown, unknown> | undefined,
  vector: MessageVector,
): Sample {
  const { message: name, version } = vector
  const body = Buffer.from(vector.hex, 'hex')
  if (api === undefined) return { name, version, parts: [{ codec, version }], bytes: body }
  const isRequest = codec === api.request
  const header = (isRequest ? RequestHeader : ResponseHeader) as Codec<unknown>
  const headerVersion = isRequest ? api.requestHeaderVersion(version) : api.responseHeaderVersion(version)
  const writer = new Writer(256)
  header.encode(
    writer,
    {
      requestApiKey: api.key,
      requestApiVersion: version,
      correlationId: 42,
      clientId: headerVersion === 0 ? '' : 'fuzz',
    },
    headerVersion,
  )
  const bytes = Buffer.concat([writer.finishCopy(), body])
  const parts = [
    { codec: header, version: headerVersion },
    { codec, version },
  ]
  return { name, version, parts, bytes }
}

export interface Outcome {
  /** Whether the bytes were a message. */
  readonly wasTaken: boolean
  /** What is wrong with our side; undefined when all is well. */
  readonly fault: string | undefined
}

const REFUSED: Outcome = { wasTaken: false, fault: undefined }
const TAKEN: Outcome = { wasTaken: true, fault: undefined }

/** Decodes bytes as that message. A fault is an untyped error, one without a place, too much memory, or a round trip that differs. */
export function tryBytes(sample: Sample, bytes: Buffer): Outcome {
  const fault = (text: string): Outcome => ({ wasTaken: false, fault: text })
  let values: unknown[]
  try {
    values = decode(sample, bytes)
  } catch (error) {
    if (!(error instanceof MalformedMessageError)) return fault(`${error}`)
    if (error.position < 0 || error.position > bytes.length || error.fieldPath === '')
      return fault(`an error without a place: ${error.message}`)
    return REFUSED
  }
  const size = sizeOf(values)
  if (size > bytes.length * BYTES_PER_BYTE + SPARE_BYTES) return fault(`about ${size} bytes of memory`)
  try {
    const again = decode(sample, encode(sample, values))
    return isDeepStrictEqual(again, values) ? TAKEN : fault('decoded again, it is another value')
  } catch (error) {
    return isTooLongText(values) ? TAKEN : fault(`decoded, but not encoded: ${error}`)
  }
}

/** Mutated bytes of a sample of which chance decides. */
export class CodecFuzzer {
  readonly #samples: readonly Sample[]
  readonly #random: SeededRandom

  constructor(samples: readonly Sample[], seed: number) {
    this.#samples = samples
    this.#random = seededRandom(seed)
  }

  next(): { sample: Sample; bytes: Buffer } {
    const sample = this.#samples[this.#random(this.#samples.length)]!
    return { sample, bytes: mutateBytes(sample.bytes, this.#random) }
  }
}

function decode({ parts }: Sample, bytes: Buffer): unknown[] {
  const reader = new Reader(bytes)
  return parts.map(({ codec, version }) => codec.decode(reader, version))
}

const writer = new Writer()

function encode({ parts }: Sample, values: readonly unknown[]): Buffer {
  writer.reset()
  parts.forEach(({ codec, version }, index) => {
    codec.encode(writer, values[index], version)
  })
  return writer.finishCopy()
}

/** About what a value takes in memory. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return 16 + value.length
  if (typeof value === 'bigint') return 24
  if (Buffer.isBuffer(value)) return 100 + value.length
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + 8 + sizeOf(item), 32)
  if (typeof value !== 'object' || value === null) return 0
  return Object.values(value).reduce((sum: number, item) => sum + 8 + sizeOf(item), 24)
}

/** Bytes that are no UTF-8 become three bytes each; a long text of them no longer fits its length. */
function isTooLongText(value: unknown): boolean {
  if (typeof value === 'string') return Buffer.byteLength(value) > 0x7fff
  if (Array.isArray(value)) return value.some(isTooLongText)
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return false
  return Object.values(value).some(isTooLongText)
}
