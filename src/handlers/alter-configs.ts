import { AlterConfigs } from '../protocol/generated/alter-configs.ts'
import { alterResources, requireValue } from './configs/alter.ts'
import { handler } from './handler.ts'

/** AlterConfigs (33): replaces everything that is set. What the request does not name goes back to its default. */
export const alterConfigs = handler(AlterConfigs, async ({ resources, validateOnly }, { broker }) => ({
  throttleTimeMs: 0,
  responses: await alterResources(resources, validateOnly, broker, ({ configs }, { current }) => {
    const changes = new Map<string, string | null>()
    for (const name of current.keys()) changes.set(name, null)
    for (const config of configs) changes.set(config.name, requireValue(config))
    return changes
  }),
}))
