import { Heartbeat } from '../protocol/generated/heartbeat.ts'
import { handler } from './handler.ts'

/** Heartbeat (12): a member shows that it is alive and hears of a rebalance. Version 3 brings static members (KIP-345). */
export const heartbeat = handler(Heartbeat, (request, { broker }) => ({
  throttleTimeMs: 0,
  errorCode: broker.groups.heartbeat(request),
}))
