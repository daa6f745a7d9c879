/** What became of one vector. */
export type Outcome =
  | { readonly status: 'passed' }
  | { readonly status: 'failed'; readonly why: string }
  | { readonly status: 'skipped'; readonly why: string }

export const PASSED: Outcome = { status: 'passed' }

export function failed(why: string): Outcome {
  return { status: 'failed', why }
}

export function skipped(why: string): Outcome {
  return { status: 'skipped', why }
}
