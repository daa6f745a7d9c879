import { isQuotaEntityType } from '../metadata/client-quota-operations.ts'
import type { QuotaEntity } from '../metadata/client-quotas.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import {
  DescribeClientQuotas,
  type DescribeClientQuotasRequest,
  type DescribeClientQuotasResponse,
} from '../protocol/generated/describe-client-quotas.ts'
import { handler } from './handler.ts'

/** How a part of an entity has to be: of this name, the default of all, or set to whatever. */
const EXACT = 0
const DEFAULT = 1
const SPECIFIED = 2

type NameMatches = (name: string | null) => boolean

/** DescribeClientQuotas (key 48, KIP-546): quotas of the entities that have all of the filter's parts, and in a strict filter no others. */
export const describeClientQuotas = handler(
  DescribeClientQuotas,
  ({ components, strict }, { broker }): DescribeClientQuotasResponse => {
    try {
      const filter = readFilter(components)
      const isWanted = (entity: QuotaEntity) =>
        (!strict || entity.size === filter.size) && matches(entity, filter)
      const found = Array.from(broker.metadata.clientQuotas.all()).filter(({ entity }) => isWanted(entity))
      return {
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        entries: found.map(({ entity, values }) => ({
          entity: Array.from(entity, ([entityType, entityName]) => ({ entityType, entityName })),
          values: Array.from(values, ([key, value]) => ({ key, value })),
        })),
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { throttleTimeMs: 0, errorCode: error.code, errorMessage: error.message, entries: null }
    }
  },
)

function matches(entity: QuotaEntity, filter: ReadonlyMap<string, NameMatches>): boolean {
  for (const [type, isRight] of filter) {
    const name = entity.get(type)
    if (name === undefined || !isRight(name)) return false
  }
  return true
}

/** Throws INVALID_REQUEST, or UNSUPPORTED_VERSION for a type of entity that Kafka may have one day. */
function readFilter(components: DescribeClientQuotasRequest['components']): Map<string, NameMatches> {
  const filter = new Map<string, NameMatches>()
  for (const { entityType, matchType, match } of components) {
    if (entityType === '') throw invalid('Invalid empty entity type.')
    if (!isQuotaEntityType(entityType)) {
      throw new ApiError(ErrorCode.UNSUPPORTED_VERSION, `Unsupported entity type ${entityType}`)
    }
    if (filter.has(entityType)) {
      throw invalid(`Entity type ${entityType} cannot appear more than once in the filter.`)
    }
    filter.set(entityType, nameMatches(matchType, match))
  }
  if (filter.has('ip') && filter.size > 1) {
    throw invalid('An IP address is not filtered together with a user or a client id.')
  }
  return filter
}

function nameMatches(matchType: number, match: string | null): NameMatches {
  if (matchType === EXACT) {
    if (match === null) throw invalid('An exact match needs a name.')
    return (name) => name === match
  }
  if (matchType !== DEFAULT && matchType !== SPECIFIED) throw invalid(`Unknown match type ${matchType}`)
  if (match !== null) throw invalid(`Match type ${matchType} goes without a name.`)
  return matchType === DEFAULT ? (name) => name === null : () => true
}

function invalid(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_REQUEST, message)
}
