import { DeleteAcls } from '../protocol/generated/delete-acls.ts'
import { NO_AUTHORIZER, refuseUnknown } from './acls/refusal.ts'
import { handler } from './handler.ts'

/** DeleteAcls (key 31, KIP-140): removes access rules that match filters. Without an authorizer each filter is refused: SECURITY_DISABLED. */
export const deleteAcls = handler(DeleteAcls, ({ filters }) => {
  for (const { resourceTypeFilter, patternTypeFilter, operation, permissionType } of filters) {
    refuseUnknown(resourceTypeFilter, patternTypeFilter, operation, permissionType)
  }
  return { throttleTimeMs: 0, filterResults: filters.map(() => ({ ...NO_AUTHORIZER, matchingAcls: [] })) }
})
