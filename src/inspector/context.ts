import type { Catalog } from './catalog.ts'
import { type Dialect, STANDARD } from './dialect.ts'

/** How much of what is read is kept; shared by everything that is read from one input. */
export interface Budget {
  /** Elements of each array. */
  readonly maxElements: number
  /** When it is used up, no further element of any array is kept. */
  nodesLeft: number
}

/** What every part of an inspection goes by. */
export interface Context {
  readonly catalog: Catalog
  readonly dialect: Dialect
  readonly budget: Budget
}

/** Keeps everything unless it is told otherwise. */
export function contextOf(
  catalog: Catalog,
  maxElements = Number.POSITIVE_INFINITY,
  maxNodes = Number.POSITIVE_INFINITY,
): Context {
  return { catalog, dialect: STANDARD, budget: { maxElements, nodesLeft: maxNodes } }
}
