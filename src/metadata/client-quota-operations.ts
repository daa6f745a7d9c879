import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { ClientQuotaRecord } from '../protocol/generated/metadata-records.ts'
import { type ClientQuotas, type QuotaEntity, quotaEntityKey } from './client-quotas.ts'
import { isIpAddress } from './ip-address.ts'
import { type MetadataRecord, metadataRecord } from './metadata-record.ts'

/** What shall become of one quota of an entity. */
export interface QuotaChange {
  readonly key: string
  readonly value: number
  readonly remove: boolean
}

/** What shall become of the quotas of one entity. */
export interface QuotaAlteration {
  readonly entity: QuotaEntity
  readonly changes: readonly QuotaChange[]
}

/** How an entity fared. */
export interface QuotaOutcome {
  readonly entity: QuotaEntity
  readonly error: ApiError | undefined
}

const MAX_INT = 2 ** 31 - 1
const MAX_LONG = 2 ** 63
/** So far from a whole number is still one: doubles that were computed rarely are whole. */
const TOLERANCE = 1e-6

type QuotaType = 'int' | 'long' | 'double'
const ofUsersAndClients: ReadonlyMap<string, QuotaType> = new Map([
  ['producer_byte_rate', 'long'],
  ['consumer_byte_rate', 'long'],
  ['request_percentage', 'double'],
  ['controller_mutation_rate', 'double'],
])
const ofAddresses: ReadonlyMap<string, QuotaType> = new Map([['connection_creation_rate', 'int']])

/**
 * Decides on changes of quotas, each entity for itself: all of its changes or none. An entity that stands there twice is answered once,
 * with an error, though its first alteration counts: as in Kafka.
 */
export function alterClientQuotas(
  quotas: ClientQuotas,
  alterations: readonly QuotaAlteration[],
): { records: MetadataRecord[]; outcomes: QuotaOutcome[] } {
  const records: MetadataRecord[] = []
  const outcomes = new Map<string, QuotaOutcome>()
  for (const { entity, changes } of alterations) {
    const id = quotaEntityKey(entity)
    let error: ApiError | undefined
    try {
      if (outcomes.has(id)) throw invalid('An entity may be altered once in a request')
      for (const record of recordsOf(quotas, entity, changes)) records.push(record)
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown
      error = thrown
    }
    outcomes.set(id, { entity, error })
  }
  return { records, outcomes: [...outcomes.values()] }
}

function recordsOf(
  quotas: ClientQuotas,
  entity: QuotaEntity,
  changes: readonly QuotaChange[],
): MetadataRecord[] {
  const allowed = quotaTypes(entity)
  if (new Set(changes.map(({ key }) => key)).size < changes.length) {
    throw invalid('A quota may be altered once in a request')
  }
  const current = quotas.of(entity)
  const rows = Array.from(entity, ([entityType, entityName]) => ({ entityType, entityName }))
  const records: MetadataRecord[] = []
  for (const { key, value, remove } of changes) {
    if (remove) {
      if (!current.has(key)) continue
    } else {
      checkValue(key, value, allowed.get(key))
      if (current.get(key) === value) continue
    }
    records.push(metadataRecord(ClientQuotaRecord, { entity: rows, key, value: remove ? 0 : value, remove }))
  }
  return records
}

/** Which quotas such an entity can have. Throws INVALID_REQUEST when there is no such entity. */
function quotaTypes(entity: QuotaEntity): ReadonlyMap<string, QuotaType> {
  if (entity.size === 0) throw invalid('Invalid empty client quota entity')
  for (const [type, name] of entity) {
    if (!isQuotaEntityType(type)) throw invalid(`Unhandled client quota entity type: ${type}`)
    if (name === '') throw invalid(`Empty ${type} not supported`)
  }
  const address = entity.get('ip')
  if (address === undefined) return ofUsersAndClients
  if (entity.size > 1) throw invalid('A quota of an IP address is not combined with a user or a client id')
  if (address !== null && !isIpAddress(address)) {
    throw invalid(`${address} is not a valid IP or resolvable host.`)
  }
  return ofAddresses
}

export function isQuotaEntityType(type: string): boolean {
  return type === 'user' || type === 'client-id' || type === 'ip'
}

/** Not a number passes where Kafka lets it pass. */
function checkValue(key: string, value: number, type: QuotaType | undefined): void {
  if (type === undefined) throw invalid(`Invalid configuration key ${key}`)
  if (value <= 0) throw invalid(`Quota ${key} must be greater than 0`)
  if (type === 'double') return
  if (value > (type === 'int' ? MAX_INT : MAX_LONG)) {
    throw invalid(`Proposed value for ${key} is too large for ${type === 'int' ? 'an INT' : 'a LONG'}.`)
  }
  if (Math.abs(Math.trunc(value + TOLERANCE) - value) > TOLERANCE) {
    throw invalid(`${key} cannot be a fractional value.`)
  }
}

function invalid(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_REQUEST, message)
}
