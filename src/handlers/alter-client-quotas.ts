import { ErrorCode } from '../protocol/error-code.ts'
import { AlterClientQuotas } from '../protocol/generated/alter-client-quotas.ts'
import { handler } from './handler.ts'

/**
 * AlterClientQuotas (key 49, KIP-546): sets and removes quotas of users, client ids and addresses. They are kept as Apache Kafka keeps
 * them, and described; no client is slowed down by them yet, and the log says so.
 */
export const alterClientQuotas = handler(AlterClientQuotas, ({ entries, validateOnly }, { broker }) => {
  const alterations = entries.map(({ entity, ops }) => ({
    entity: new Map(entity.map(({ entityType, entityName }) => [entityType, entityName])),
    changes: ops,
  }))
  const outcomes = broker.controller.alterClientQuotas(alterations, { validateOnly })
  const isSet =
    alterations.some(({ changes }) => changes.some(({ remove }) => !remove)) &&
    outcomes.some(({ error }) => error === undefined)
  if (isSet && !validateOnly)
    broker.logger.warn({}, 'quotas are kept but not enforced yet: no client is slowed down')
  return {
    throttleTimeMs: 0,
    entries: outcomes.map(({ entity, error }) => ({
      errorCode: error?.code ?? ErrorCode.NONE,
      errorMessage: error?.explanation ?? null,
      entity: Array.from(entity, ([entityType, entityName]) => ({ entityType, entityName })),
    })),
  }
})
