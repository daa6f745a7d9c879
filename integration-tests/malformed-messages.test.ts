import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Codec } from '../src/protocol/api.ts'
import { messages } from '../src/protocol/generated/index.ts'
import { MalformedMessageError, Reader } from '../src/protocol/reader.ts'
import { CodecFuzzer, loadSamples, type Sample, tryBytes } from './fuzz/codec-fuzz.ts'
import type { MessageVector } from './vectors/message-vectors.ts'
import { readVectors } from './vectors/read-vectors.ts'

const folder = join(import.meta.dirname, 'vectors', 'data')
const MAX_BYTES = 600
/** Of the short run; `npm run fuzz` goes on for as long as it is told. */
const ROUNDS = 40_000

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

test('whatever bytes change, a decoder gives a value that round-trips or the typed error', async () => {
  const fuzzer = new CodecFuzzer(await loadSamples(), 20)
  const faults: string[] = []
  let taken = 0
  for (let round = 0; round < ROUNDS; round++) {
    const { sample, bytes } = fuzzer.next()
    const { wasTaken, fault } = tryBytes(sample, bytes)
    if (fault !== undefined)
      faults.push(`${sample.name} ${sample.version} ${bytes.toString('hex')}: ${fault}`)
    else if (wasTaken) taken++
  }
  expect(faults).toEqual([])
  // Neither all nor nothing: chance that always breaks the first length would try little else.
  expect(taken).toBeGreaterThan(ROUNDS / 5)
  expect(taken).toBeLessThan((ROUNDS * 4) / 5)
})

test('a codec that loses a field, or throws what it likes, is found', async () => {
  const sample = (await loadSamples()).find(
    ({ name, version }) => name === 'HeartbeatRequest' && version === 0,
  )!
  const broken = (codec: Partial<Codec<unknown>>): Sample => ({
    ...sample,
    parts: sample.parts.map((part, index) =>
      index === 0 ? part : { ...part, codec: { ...part.codec, ...codec } },
    ),
  })
  const { codec } = sample.parts[1]!
  const loses = broken({
    decode: (reader, version) => ({
      ...(codec.decode(reader, version) as object),
      generationId: reader.position,
    }),
    encode: (writer, message, version) =>
      codec.encode(writer, { ...(message as object), groupId: 'longer than before' }, version),
  })
  expect(tryBytes(loses, sample.bytes).fault).toMatch(/another value/)
  const throws = broken({
    decode: () => {
      throw new RangeError('Array buffer allocation failed')
    },
  })
  expect(tryBytes(throws, sample.bytes).fault).toMatch(/allocation failed/)
  expect(tryBytes(sample, sample.bytes)).toEqual({ wasTaken: true, fault: undefined })
})
