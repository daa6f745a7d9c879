import { DescribeAcls } from '../protocol/generated/describe-acls.ts'
import { NO_AUTHORIZER, refuseUnknown } from './acls/refusal.ts'
import { handler } from './handler.ts'

/** DescribeAcls (key 29, KIP-140): access rules that match a filter. Without an authorizer there are none: SECURITY_DISABLED. */
export const describeAcls = handler(DescribeAcls, (filter) => {
  refuseUnknown(filter.resourceTypeFilter, filter.patternTypeFilter, filter.operation, filter.permissionType)
  return { throttleTimeMs: 0, ...NO_AUTHORIZER, resources: [] }
})
