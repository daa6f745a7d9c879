import { beside } from './beside-logs.ts'
import type { Damage } from './damage.ts'
import { logs } from './damaged-logs.ts'
import { metadata } from './damaged-metadata.ts'
import { foreign, identity } from './foreign-things.ts'

export const damages: readonly Damage[] = [...foreign, ...identity, ...logs, ...beside, ...metadata]
