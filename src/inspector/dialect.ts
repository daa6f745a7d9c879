/**
 * How a mistaken sender writes. When bytes cannot be read as they should be, they are read again under each dialect; the one under which
 * everything fits says what went wrong.
 */
export interface Dialect {
  /** Numbers that begin here have their lowest byte first. */
  readonly littleEndian?: Span
  /** Compact lengths that begin here are written without the + 1. */
  readonly plainCompactLengths?: Span
  /** Tagged fields are left out behind the header: by all structs, by those inside of arrays and fields, by the message itself, or by structs of a name. */
  readonly missingTags?: 'everywhere' | 'nested' | 'root' | { readonly struct: string }
  /** The client id begins with a compact length. */
  readonly compactClientId?: true
  /** Null stands for what is empty, also where it is not allowed. */
  readonly nullEverywhere?: true
  /** Varints of records are written without zigzag. */
  readonly plainVarints?: true
}

/** Positions of a region, the second one excluded. */
export interface Span {
  readonly from: number
  readonly to: number
}

export const EVERYWHERE: Span = { from: 0, to: Number.POSITIVE_INFINITY }

export function covers(span: Span | undefined, position: number): boolean {
  return span !== undefined && position >= span.from && position < span.to
}

/** The wire as it should be. */
export const STANDARD: Dialect = {}

/** The first place where a dialect and the standard differ in the bytes that were read. */
export interface Deviation {
  readonly position: number
  readonly length: number
  readonly path: string
  /** What the bytes stand for under the dialect. */
  readonly found: string
  /** What would stand there under the standard. */
  readonly expected: string
}
