import type { Codec, RecordCodec } from '../protocol/api.ts'
import {
  ControlRecordTypeSchema,
  EndTxnMarker,
  KRaftVersionRecord,
  LeaderChangeMessage,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
  VotersRecord,
} from '../protocol/generated/control-records.ts'
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../protocol/generated/group-blobs.ts'
import { MalformedMessageError, Reader } from '../protocol/reader.ts'
import type { LogRecord } from '../protocol/record.ts'
import type { DumpOptions, DumpValue, Fields } from './item.ts'
import { plain, type Shape } from './plain-value.ts'

/** What a record of an internal topic says; undefined parts are shown as they are. */
export interface DecodedRecord {
  readonly key?: DumpValue
  readonly payload?: DumpValue
  /** Why a part could not be decoded. */
  readonly problem?: string
}

export type RecordDecoder = (record: Pick<LogRecord, 'key' | 'value'>) => DecodedRecord

const ABORT = 0
const COMMIT = 1

/** By the type in their key; those of transactions come first. */
const controlCodecs: Readonly<Record<number, Codec<unknown>>> = {
  2: LeaderChangeMessage as Codec<unknown>,
  3: SnapshotHeaderRecord as Codec<unknown>,
  4: SnapshotFooterRecord as Codec<unknown>,
  5: KRaftVersionRecord as Codec<unknown>,
  6: VotersRecord as Codec<unknown>,
}

type Module = Readonly<Record<string, unknown>>

/** Codecs of the records of a topic, which are loaded when somebody looks into it. */
const keyedTopics: Readonly<Record<string, () => Promise<readonly Module[]>>> = {
  __consumer_offsets: () =>
    Promise.all([
      import('../protocol/generated/consumer-offsets-records.ts'),
      import('../protocol/generated/consumer-group-records.ts'),
      import('../protocol/generated/share-group-records.ts'),
      import('../protocol/generated/streams-group-records.ts'),
    ]),
  __transaction_state: () => Promise.all([import('../protocol/generated/transaction-state-records.ts')]),
  __share_group_state: () => Promise.all([import('../protocol/generated/share-group-state-records.ts')]),
}

/** How the records of a topic are decoded; undefined when it is no internal one. */
export async function recordDecoderOf(
  topic: string | undefined,
  catalog?: DumpOptions['catalog'],
): Promise<RecordDecoder | undefined> {
  if (topic === '__cluster_metadata') {
    const { metadataRecordCodecs } = await import('../protocol/generated/metadata-records.ts')
    return framedDecoder(metadataRecordCodecs, catalog)
  }
  if (topic === '__remote_log_metadata') {
    const { remoteLogMetadataRecordCodecs } = await import(
      '../protocol/generated/remote-log-metadata-records.ts'
    )
    return framedDecoder(remoteLogMetadataRecordCodecs, catalog)
  }
  const modules = topic === undefined ? undefined : await keyedTopics[topic]?.()
  return modules === undefined
    ? undefined
    : keyedDecoder(
        modules.flatMap((module) => Object.values(module)),
        catalog,
      )
}

/** Key: its type as an int16, then the message. Value: its version as an int16, then the message. */
function keyedDecoder(exported: readonly unknown[], catalog: DumpOptions['catalog']): RecordDecoder {
  const codecs = exported.filter((each): each is RecordCodec<unknown> => isRecordCodec(each))
  const keys = new Map(codecs.flatMap((codec) => (codec.name.endsWith('Key') ? [[codec.key, codec]] : [])))
  const values = new Map(
    codecs.flatMap((codec) => (codec.name.endsWith('Value') ? [[codec.key, codec]] : [])),
  )
  return ({ key, value }) =>
    telling(() => {
      if (key === null || key.length < 2) return {}
      const type = key.readInt16BE(0)
      const keyCodec = keys.get(type)
      if (keyCodec === undefined) return { problem: `records of type ${type} are not known` }
      const decodedKey = {
        type,
        name: keyCodec.name,
        data: decode(keyCodec, new Reader(key.subarray(2)), 0, catalog),
      }
      const valueCodec = values.get(type)
      // A tombstone says that there is nothing under the key any more.
      if (value === null || valueCodec === undefined) return { key: decodedKey, payload: null }
      const version = new Reader(value).int16('version')
      if (version > valueCodec.maxVersion)
        return { key: decodedKey, problem: `${valueCodec.name} of version ${version} is not known` }
      const data = openBlobs(decode(valueCodec, new Reader(value.subarray(2)), version, catalog), catalog)
      return { key: decodedKey, payload: { version, name: valueCodec.name, data } }
    })
}

/** Value: version of the frame, type and version as unsigned varints, then the message. There is no key. */
function framedDecoder(
  codecs: readonly RecordCodec<unknown>[],
  catalog: DumpOptions['catalog'],
): RecordDecoder {
  const byType = new Map(codecs.map((codec) => [codec.key, codec]))
  return ({ value }) =>
    telling(() => {
      if (value === null) return {}
      const reader = new Reader(value)
      reader.unsignedVarint('frameVersion')
      const type = reader.unsignedVarint('type')
      const version = reader.unsignedVarint('version')
      const codec = byType.get(type)
      if (codec === undefined) return { problem: `records of type ${type} are not known` }
      if (version > codec.maxVersion) return { problem: `${codec.name} of version ${version} is not known` }
      const data = decode(codec, reader, version, catalog)
      return { payload: { type, name: codec.name, version, data } }
    })
}

/** What a control record says: the end of a transaction, a new leader of the metadata quorum, ... */
export function decodeControlRecord(
  { key, value }: Pick<LogRecord, 'key' | 'value'>,
  catalog: DumpOptions['catalog'],
): Fields {
  if (key === null || key.length < 4) return { problem: 'the key of a control record has 4 bytes' }
  try {
    const { type } = ControlRecordTypeSchema.decode(new Reader(key.subarray(2)), 0)
    if (type === ABORT || type === COMMIT) {
      const endTxnMarker = type === COMMIT ? 'COMMIT' : 'ABORT'
      if (value === null) return { endTxnMarker }
      const { coordinatorEpoch } = EndTxnMarker.decode(new Reader(value.subarray(2)), value.readInt16BE(0))
      return { endTxnMarker, coordinatorEpoch }
    }
    const codec = controlCodecs[type]
    if (codec === undefined || value === null) return { controlType: type, payload: value }
    // These begin with their version as their first field.
    const version = Math.min(value.readInt16BE(0), codec.maxVersion)
    return { [controlName(codec)]: decode(codec, new Reader(value), version, catalog) }
  } catch (error) {
    return { problem: reason(error) }
  }
}

function controlName({ name }: Codec<unknown>): string {
  const short = name.replace(/(Record|Message)$/, '')
  return short[0]!.toLowerCase() + short.slice(1)
}

function telling(decode: () => DecodedRecord): DecodedRecord {
  try {
    return decode()
  } catch (error) {
    return { problem: reason(error) }
  }
}

/** Bytes that are not what they should be; whatever else goes wrong is a mistake of this program. */
function reason(error: unknown): string {
  if (error instanceof MalformedMessageError || error instanceof RangeError) return error.message
  throw error
}

function decode(
  codec: Codec<unknown>,
  reader: Reader,
  version: number,
  catalog: DumpOptions['catalog'],
): DumpValue {
  const shape: Shape | undefined = catalog && { struct: catalog().message(codec.name).root, version }
  return plain(codec.decode(reader, version), shape)
}

/** In a classic group of consumers, what members said and what they got has a form of its own. */
function openBlobs(value: DumpValue, catalog: DumpOptions['catalog']): DumpValue {
  if (!isObject(value) || value.protocolType !== 'consumer' || !Array.isArray(value.members)) return value
  const members = (value.members as readonly Record<string, DumpValue>[]).map((member) => ({
    ...member,
    subscription: openBlob(member.subscription, ConsumerProtocolSubscription as Codec<unknown>, catalog),
    assignment: openBlob(member.assignment, ConsumerProtocolAssignment as Codec<unknown>, catalog),
  }))
  return { ...value, members }
}

function openBlob(
  bytes: DumpValue | undefined,
  codec: Codec<unknown>,
  catalog: DumpOptions['catalog'],
): DumpValue {
  if (!Buffer.isBuffer(bytes) || bytes.length < 2) return bytes ?? null
  try {
    const version = Math.min(bytes.readInt16BE(0), codec.maxVersion)
    return { version, ...(decode(codec, new Reader(bytes.subarray(2)), version, catalog) as object) }
  } catch (error) {
    reason(error)
    return bytes
  }
}

function isObject(value: DumpValue): value is { readonly [name: string]: DumpValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value)
}

function isRecordCodec(value: unknown): value is RecordCodec<unknown> {
  return typeof value === 'object' && value !== null && 'decode' in value && 'key' in value
}
