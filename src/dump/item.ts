import type { Catalog } from '../inspector/catalog.ts'

/** A value that a file holds. Bytes of records are kept as bytes: who prints them decides how. */
export type DumpValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Buffer
  | readonly DumpValue[]
  | { readonly [name: string]: DumpValue }

/** By name, in the order in which they are to be shown. Where kafka-dump-log shows the same figure, the name is its own. */
export type Fields = Readonly<Record<string, DumpValue>>

/**
 * - `file`: a file begins; all up to the next one is about it.
 * - `batch`, `record`: of a segment, a snapshot of the metadata, or the metadata log.
 * - `entry`: of an index, a checkpoint, a file of properties, or a producer's entry in a snapshot.
 * - `note`: something worth knowing that is not wrong.
 * - `problem`: something wrong, with its byte in the file when it has one.
 * - `end`: what a segment amounts to.
 * - `partition`: what the folder of a partition amounts to, in the summary of a data directory.
 */
export type ItemType = 'file' | 'batch' | 'record' | 'entry' | 'note' | 'problem' | 'end' | 'partition'

/** One thing that was found in a file. */
export interface DumpItem {
  readonly type: ItemType
  readonly fields: Fields
}

/** How much of what a file holds is told. Problems always are. */
export interface DumpOptions {
  /** Records too, not only batches. */
  readonly records: boolean
  /** Keys and values of records too. */
  readonly data: boolean
  /** Compressed records are decompressed: for the ratio, and to know that they can be. */
  readonly decompress: boolean
  /** Of an index, only whether it is right. */
  readonly entries: boolean
  /** Batches and records that have one of these offsets; all when undefined. */
  readonly offsets: OffsetRange | undefined
  /** Bytes of a segment to look at, from its beginning. */
  readonly maxBytes: number
  /** Of which internal topic the records are; undefined: what the folder's name says. */
  readonly topic: string | undefined
  /** Tells which fields a decoded record has in its version; without it, it is shown with all. Called when there is one. */
  readonly catalog: (() => Catalog) | undefined
}

/** Inclusive. */
export interface OffsetRange {
  readonly from: bigint
  readonly to: bigint
}

export const ALL: DumpOptions = {
  records: false,
  data: false,
  decompress: true,
  entries: true,
  offsets: undefined,
  maxBytes: Number.POSITIVE_INFINITY,
  topic: undefined,
  catalog: undefined,
}

export function problem(message: string, position?: number): DumpItem {
  return { type: 'problem', fields: { message, ...(position === undefined ? {} : { position }) } }
}

export function note(message: string): DumpItem {
  return { type: 'note', fields: { message } }
}

export function entry(fields: Fields): DumpItem {
  return { type: 'entry', fields }
}
