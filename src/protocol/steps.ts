/** Work that is done in small steps: whoever runs it may let others have their turn after each. */
export type Steps<Result> = Generator<void, Result, void>

/** Does all of the work now. */
export function runAll<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}
