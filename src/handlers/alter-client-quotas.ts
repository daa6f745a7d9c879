import { ErrorCode } from '../protocol/error-code.ts'
import { AlterClientQuotas } from '../protocol/generated/alter-client-quotas.ts'
import { handler } from './handler.ts'

/**
 * AlterClientQuotas (key 49, KIP-546): sets and removes quotas of users, client ids and addresses. They hold as
 * soon as this is answered.
 */
export const alterClientQuotas = handler(AlterClientQuotas, async ({ entries, validateOnly }, { broker }) => {
  const alterations = entries.map(({ entity, ops }) => ({
    entity: new Map(entity.map(({ entityType, entityName }) => [entityType, entityName])),
    changes: ops,
  }))
  const outcomes = await broker.controller.alterClientQuotas(alterations, { validateOnly })
  return {
    throttleTimeMs: 0,
    entries: outcomes.map(({ entity, error }) => ({
      errorCode: error?.code ?? ErrorCode.NONE,
      errorMessage: error?.explanation ?? null,
      entity: Array.from(entity, ([entityType, entityName]) => ({ entityType, entityName })),
    })),
  }
})
