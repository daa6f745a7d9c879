import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import type { Random } from './platform.ts'

/** Chance from the operating system. */
export function nodeRandom(): Random {
  return {
    bytes: (length) => randomBytes(length),
    uuid: randomKafkaUuid,
    dashedUuid: () => randomUUID(),
    integer: (below) => randomInt(below),
  }
}

/** Kafka never hands out an id that begins with `-`: on a command line it would look like an option. */
function randomKafkaUuid(): string {
  for (;;) {
    const bytes = randomBytes(16)
    // version 4, variant 1, as java.util.UUID.randomUUID makes them
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    const text = bytes.toString('base64url')
    if (!text.startsWith('-')) return text
  }
}
