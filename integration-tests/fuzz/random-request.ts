import { ZERO_UUID } from '../../src/protocol/api.ts'
import { type FieldSpec, includes, type StructSpec } from '../../src/specs/spec.ts'
import type { SeededRandom } from './mutations.ts'

type Message = Record<string, unknown>

/** Most elements of an array; mostly there are fewer. */
const MAX_ELEMENTS = 4

const numbers: Readonly<Record<string, readonly number[]>> = {
  int8: [0, 1, 2, 3, 4, -1, 16, 32, 127, -128],
  int16: [0, 1, 1, 2, -1, -2, 32767, -32768],
  uint16: [0, 1, 9092, 65535],
  int32: [0, 0, 1, 1, 2, 3, -1, -2, 100, 4096, 0x7fffffff, -0x80000000],
  uint32: [0, 1, 0xffffffff],
  float64: [0, 1, 1024, 0.5, -1, 1e308, 5e-324, Number.NaN, Number.POSITIVE_INFINITY],
}
const int64s = [0n, 1n, 2n, -1n, -2n, 1000n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)]
const byteStrings = ['', '00', 'ff', '0001', 'hunter2', '00000000ffffffff'].map((text) => Buffer.from(text))
const words = [
  '',
  'orders',
  'orders',
  'users',
  '1',
  '0',
  '-1',
  ' ',
  '*',
  'a,b',
  'x\0y',
  'ü€🙂',
  'n'.repeat(300),
]
const topics = [
  'orders',
  'orders',
  'users',
  'new',
  'new-2',
  '',
  '..',
  'a/b',
  'ü',
  '__consumer_offsets',
  't'.repeat(249),
]
const configNames = [
  'retention.ms',
  'cleanup.policy',
  'segment.bytes',
  'log.retention.ms',
  'sasl.jaas.config',
  'listeners',
  'consumer.session.timeout.ms',
  'interval.ms',
]
const quotaNames = [
  'producer_byte_rate',
  'consumer_byte_rate',
  'request_percentage',
  'connection_creation_rate',
]
const entityTypes = ['user', 'user', 'client-id', 'ip']
const features = [
  'metadata.version',
  'kraft.version',
  'group.version',
  'transaction.version',
  'share.version',
]
/** Where a word has to be one of a few to get any further; other words come as well. */
const wordsByField: Readonly<Record<string, readonly string[]>> = {
  'AlterableConfig.name': configNames,
  'CreatableTopicConfig.name': configNames,
  'AlterConfigsResource.resourceName': ['', '1', 'orders'],
  'DescribeConfigsResource.resourceName': ['', '1', 'orders'],
  'EntityData.entityType': entityTypes,
  'ComponentData.entityType': entityTypes,
  'EntityData.entityName': ['ann', 'ben', '127.0.0.1'],
  'OpData.key': quotaNames,
  'FeatureUpdateKey.feature': features,
  'ScramCredentialUpsertion.name': ['ann', 'ben'],
  'ScramCredentialDeletion.name': ['ann', 'ben'],
  'UserName.name': ['ann', 'ben'],
  'JoinGroupRequest.protocolType': ['consumer'],
}

/** A value for a message in some version: well formed, and otherwise without sense as often as with it. */
export function randomStruct(struct: StructSpec, version: number, random: SeededRandom): Message {
  const message: Message = {}
  for (const field of struct.fields) {
    const isThere = includes(field.versions, version)
    message[field.name] = isThere ? randomField(struct, field, version, random) : absent(field)
  }
  return message
}

function randomField(struct: StructSpec, field: FieldSpec, version: number, random: SeededRandom): unknown {
  if (includes(field.nullable, version) && random(4) === 0) return null
  if (!field.isArray) return randomElement(struct, field, version, random)
  const elements: unknown[] = []
  for (let count = random(2) === 0 ? 1 : random(MAX_ELEMENTS + 1); count > 0; count--) {
    const isRepeated = elements.length > 0 && random(4) === 0
    elements.push(isRepeated ? elements[0] : randomElement(struct, field, version, random))
  }
  return elements
}

function randomElement(struct: StructSpec, field: FieldSpec, version: number, random: SeededRandom): unknown {
  if (field.struct) return randomStruct(field.struct, version, random)
  const one = <Value>(values: readonly Value[]): Value => values[random(values.length)]!
  switch (field.type) {
    case 'bool':
      return random(2) === 0
    case 'int64':
      return one(int64s)
    case 'string':
      return randomWord(struct, field, one)
    case 'uuid':
      return one([ZERO_UUID, 'AAAAAAAAAAAAAAAAAAAAAQ', 'b8tRS7h4TJ2Vt43Dp85v2A'])
    case 'bytes':
    case 'records':
      return one(byteStrings)
    default:
      // Apache Kafka has an error of its own for others, which is told as UNKNOWN_SERVER_ERROR.
      return field.name === 'isolationLevel' ? random(2) : one(numbers[field.type]!)
  }
}

function randomWord(
  struct: StructSpec,
  field: FieldSpec,
  one: <Value>(values: readonly Value[]) => Value,
): string {
  const known = wordsByField[`${struct.name}.${field.name}`]
  if (field.entityType === 'topicName') return one(topics)
  return known && one([true, true, true, false]) ? one(known) : one(words)
}

/** What a codec does not look at, or wants as it is when it is absent. */
function absent(field: FieldSpec): unknown {
  if (field.defaultValue !== undefined) return field.defaultValue
  if (field.isArray) return []
  if (field.struct) return randomStruct(field.struct, -1, () => 0)
  switch (field.type) {
    case 'bool':
      return false
    case 'int64':
      return 0n
    case 'string':
      return ''
    case 'uuid':
      return ZERO_UUID
    case 'bytes':
    case 'records':
      return Buffer.alloc(0)
    default:
      return 0
  }
}
