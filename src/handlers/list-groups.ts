import { ErrorCode } from '../protocol/error-code.ts'
import { ListGroups } from '../protocol/generated/list-groups.ts'
import { orCode } from './group-caller.ts'
import { handler } from './handler.ts'

/** ListGroups (16). Version 4 filters by state (KIP-518), 5 by type of group (KIP-848); empty filters let all pass, case is ignored. */
export const listGroups = handler(ListGroups, ({ statesFilter, typesFilter }, { broker }) => {
  const states = new Set(statesFilter.map((state) => state.trim().toLowerCase()))
  const types = new Set(typesFilter.map((type) => type.toLowerCase()))
  const known = orCode(() => broker.groups.listGroups())
  if (!('answer' in known)) return { throttleTimeMs: 0, errorCode: known.code, groups: [] }
  const groups = known.answer
    .filter(({ state }) => states.size === 0 || states.has(state.toLowerCase()))
    .filter(({ type }) => types.size === 0 || types.has(type))
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    groups: groups.map(({ groupId, protocolType, state, type }) => ({
      groupId,
      protocolType,
      groupState: state,
      groupType: type,
    })),
  }
})
