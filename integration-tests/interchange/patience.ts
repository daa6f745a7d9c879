import { setTimeout as delay } from 'node:timers/promises'

/** Errors of a broker that has just started, or made a topic a moment ago: asked again. */
const PASSING: ReadonlySet<number> = new Set([3, 5, 6, 14, 15, 16])
const PATIENCE_MS = 20_000

/** Asks again while the broker is not there yet; an error that lasts is thrown. */
export async function patiently<Answer extends { readonly errorCode: number }>(
  what: string,
  ask: () => Promise<Answer>,
  alsoPassing?: number,
): Promise<Answer> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const answer = await ask()
    const isPassing = PASSING.has(answer.errorCode) || answer.errorCode === alsoPassing
    if (!isPassing || performance.now() > deadline) {
      check(what, answer.errorCode)
      return answer
    }
    await delay(50)
  }
}

export function check(what: string, errorCode: number, message: string | null = null): void {
  if (errorCode !== 0) throw new Error(`${what}: error ${errorCode} ${message ?? ''}`)
}
