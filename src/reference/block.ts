import type { Inspection } from '../inspector/node.ts'

/** A part of a page of the reference, before it is known where it will be read. */
export type Block =
  | { readonly kind: 'heading'; readonly level: 1 | 2 | 3; readonly text: string }
  | { readonly kind: 'paragraph'; readonly text: string }
  | TableBlock
  /** Bytes beside the fields that they make up. */
  | { readonly kind: 'inspection'; readonly inspection: Inspection }
  /** Text that is not to be broken or filled. */
  | { readonly kind: 'code'; readonly text: string }

export interface TableBlock {
  readonly kind: 'table'
  readonly header: readonly string[]
  /** The last cell of a row may be long: it is broken into lines. Blanks at the beginning of the first one are its depth. */
  readonly rows: readonly (readonly string[])[]
  /** The last cell is cut where the line ends. */
  readonly isOneLine?: boolean
}

export function heading(text: string, level: 1 | 2 | 3 = 2): Block {
  return { kind: 'heading', level, text }
}

/** Prose with empty lines between its paragraphs. */
export function prose(text: string): Block[] {
  return text
    .split('\n\n')
    .filter((paragraph) => paragraph !== '')
    .map((paragraph) => ({ kind: 'paragraph', text: paragraph }))
}

/** Nothing when there are no rows. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): Block[] {
  return rows.length === 0 ? [] : [{ kind: 'table', header, rows }]
}
