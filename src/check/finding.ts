/**
 * - `problem`: something that is not as it has to be.
 * - `note`: worth knowing, but not wrong, or rebuilt by the next start.
 */
export type FindingKind = 'problem' | 'note'

/** One thing that a check has found. */
export interface Finding {
  readonly kind: FindingKind
  /** The file or folder that it is about. */
  readonly path: string
  /** Byte in the file, where it has one. */
  readonly position: number | undefined
  readonly message: string
}

export function problem(path: string, message: string, position?: number): Finding {
  return { kind: 'problem', path, position, message }
}

export function note(path: string, message: string): Finding {
  return { kind: 'note', path, position: undefined, message }
}
