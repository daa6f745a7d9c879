import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Codec } from '../src/protocol/api.ts'
import { messages } from '../src/protocol/generated/index.ts'
import { MalformedMessageError, Reader } from '../src/protocol/reader.ts'
import type { MessageVector } from './vectors/message-vectors.ts'
import { readVectors } from './vectors/read-vectors.ts'

const folder = join(import.meta.dirname, 'vectors', 'data')
const MAX_BYTES = 600
const MUTATIONS = 60

/** The longest vector up to `MAX_BYTES` of the oldest and of the newest version of each message. */
async function samples(): Promise<[codec: Codec<unknown>, version: number, bytes: Buffer][]> {
  const codecs = new Map<string, Codec<unknown>>()
  for (const { name, load } of messages) codecs.set(name, await load())
  const longest = new Map<string, [Codec<unknown>, number, Buffer]>()
  for (const file of readdirSync(folder)) {
    for (const vector of readVectors(join(folder, file)) as unknown as MessageVector[]) {
      const codec = codecs.get(vector.message)
      if (codec === undefined || vector.headerVersion !== undefined || vector.hex.length > 2 * MAX_BYTES)
        continue
      if (vector.version !== codec.minVersion && vector.version !== codec.maxVersion) continue
      const key = `${vector.message} ${vector.version}`
      const bytes = Buffer.from(vector.hex, 'hex')
      if (bytes.length > (longest.get(key)?.[2].length ?? -1))
        longest.set(key, [codec, vector.version, bytes])
    }
  }
  return [...longest.values()]
}

/** A small generator of chance that one seed determines. */
function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

test('a message that is cut anywhere is refused with its place', async () => {
  const wrong: string[] = []
  for (const [codec, version, bytes] of await samples()) {
    for (let length = 0; length < bytes.length; length++) {
      const what = `${codec.name} ${version} cut at ${length}`
      try {
        codec.decode(new Reader(bytes, 0, length), version)
        wrong.push(`${what} was taken`)
      } catch (error) {
        if (!(error instanceof MalformedMessageError)) wrong.push(`${what}: ${error}`)
        else if (error.position > length || error.fieldPath === '')
          wrong.push(`${what}: place ${error.position} ${error.fieldPath}`)
      }
    }
  }
  expect(wrong).toEqual([])
})

test('whatever bytes change, a decoder gives a value or the typed error', async () => {
  const chance = seeded(20)
  const wrong: string[] = []
  for (const [codec, version, bytes] of await samples()) {
    for (let round = 0; bytes.length > 0 && round < MUTATIONS; round++) {
      const mutated = Buffer.from(bytes)
      for (let change = chance(4); change >= 0; change--)
        mutated[chance(mutated.length)] = [0, 0x7f, 0x80, 0xff, chance(256)][chance(5)]!
      try {
        codec.decode(new Reader(mutated), version)
      } catch (error) {
        if (!(error instanceof MalformedMessageError))
          wrong.push(`${codec.name} ${version} ${mutated.toString('hex')}: ${error}`)
      }
    }
  }
  expect(wrong).toEqual([])
})
