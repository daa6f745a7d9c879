import { DeleteGroups } from '../protocol/generated/delete-groups.ts'
import { handler } from './handler.ts'

/** DeleteGroups (42, KIP-229): groups without members, with all their offsets. */
export const deleteGroups = handler(DeleteGroups, ({ groupsNames }, { broker }) => ({
  throttleTimeMs: 0,
  // A name that is there twice gets one row.
  results: [...new Set(groupsNames)].map((groupId) => ({
    groupId,
    errorCode: broker.groups.deleteGroup(groupId),
  })),
}))
