import { CreateAcls } from '../protocol/generated/create-acls.ts'
import { NO_AUTHORIZER, refuseUnknown } from './acls/refusal.ts'
import { handler } from './handler.ts'

/** CreateAcls (key 30, KIP-140): adds access rules. Without an authorizer each is refused: SECURITY_DISABLED. */
export const createAcls = handler(CreateAcls, ({ creations }) => {
  for (const { resourceType, resourcePatternType, operation, permissionType } of creations) {
    refuseUnknown(resourceType, resourcePatternType, operation, permissionType)
  }
  return { throttleTimeMs: 0, results: creations.map(() => NO_AUTHORIZER) }
})
