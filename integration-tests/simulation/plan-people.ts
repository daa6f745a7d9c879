/** How many there are of those who do something. */
export const PRODUCERS = 4
export const CONSUMERS = 4
export const COMMITTERS = 2
/** The first half of them is of the classic protocol, the second of the consumer protocol. */
export const MEMBERS = 8

/** Half of the producers are. */
export function isIdempotent(producer: number): boolean {
  return producer % 2 === 1
}
