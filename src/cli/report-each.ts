import type { BrokerError } from './client/broker-error.ts'
import type { Session } from './client-session.ts'

/** What became of one of several topics or groups. */
export type Outcome = { readonly error: BrokerError } | { readonly result: object; readonly text: string }

/** Prints what went well, and each failure as a line of its own; the exit code of the first failure, if there is one. */
export function reportEach({ host, print }: Session, outcomes: readonly Outcome[]): number | undefined {
  let exitCode: number | undefined
  for (const outcome of outcomes) {
    if ('error' in outcome) {
      host.error(`odradek: ${outcome.error.message}\n`)
      exitCode ??= outcome.error.exitCode
    } else print([outcome.result], () => `${outcome.text}\n`)
  }
  return exitCode
}
