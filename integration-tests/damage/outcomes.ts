import type { Outcome } from './damage.ts'

export const FIRST = 'o0 o1 o2'
export const CHECK = 'odradek check tells more'

export const served: Outcome = {}
export const rebuilt = (path: string): Outcome => ({
  lines: [new RegExp(`an index could not be used, and was built anew path=${path}`)],
})
export const leftAlone: Outcome = {
  lines: [/a folder of no partition is left alone; Apache Kafka would not start/],
}
export const asStray = (reason: RegExp): Outcome => ({
  lines: [new RegExp(`put a stray folder aside folder=.* renamedTo=.*-stray reason=${reason.source}`)],
})
/** The log is neither served nor changed. */
export const refusedLog = (place: RegExp): Outcome => ({
  lines: [new RegExp(`${place.source}.*left as.*${CHECK}.* partition=orders-0`)],
  orders: new RegExp(`^ApiError: .*${place.source}`),
  isUnrecovered: true,
})
/** What lies behind the damage is not served, or not from there on. */
export const unreadable = (place: RegExp, ...before: RegExp[]): Outcome => ({
  lines: [...before, new RegExp(`${place.source}.*${CHECK}`)],
  orders: new RegExp(`^ApiError: .*${place.source}`),
})
export const missing = (from: number, to: number) => new RegExp(`offsets? .*missing.* from=${from} to=${to}`)
export const stop = (message: RegExp): Outcome => ({ refused: message })
