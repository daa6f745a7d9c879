import type { MemoryFiles } from '../../src/platform/memory-files.ts'

/** What a start makes of it. */
export interface Outcome {
  /** The start fails with this, and has changed nothing. */
  readonly refused?: RegExp
  /** What is said, line by line; nothing when left out. */
  readonly lines?: readonly RegExp[]
  /** Values of `orders-0`, or the error when they are read; all of them when left out. */
  readonly orders?: string | RegExp
  /** After a crash the log cannot be recovered: the start after that has to try again. */
  readonly isUnrecovered?: boolean
  /** Files that are cut or removed, which is right. */
  readonly loses?: RegExp
}

/** A damage, and what comes of it. */
export interface Damage {
  readonly name: string
  readonly act: (files: MemoryFiles) => void
  readonly properties?: Readonly<Record<string, string>>
  readonly clean: Outcome
  /** When the broker before it had crashed; the same when left out. */
  readonly crash?: Outcome
  /** One of the lines of `odradek check`; undefined when there is nothing to find. */
  readonly found: RegExp | undefined
}
