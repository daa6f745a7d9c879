import { parentPort, workerData } from 'node:worker_threads'
import { CodecFuzzer, loadSamples, tryBytes } from './codec-fuzz.ts'

/** What the fuzzer's threads share: how many frames were tried and taken, and the frame that is being tried. */
export interface FuzzWork {
  readonly seed: number
  /** Milliseconds after which it ends, or 0. */
  readonly durationMs: number
  /** Frames after which it ends, or 0. */
  readonly frames: number
  /** Two counters (tried, taken), then length and bytes of the frame at hand. */
  readonly shared: SharedArrayBuffer
}

const FRAME_AT = 12

const { seed, durationMs, frames, shared } = workerData as FuzzWork
const counters = new Int32Array(shared, 0, 3)
const frame = Buffer.from(shared, FRAME_AT)
const samples = await loadSamples()
const fuzzer = new CodecFuzzer(samples, seed)
const names = new Map(samples.map((sample) => [sample, `${sample.name} ${sample.version}`]))
parentPort!.postMessage({ messages: new Set(samples.map(({ name }) => name)).size, samples: samples.length })

const endMs = performance.now() + durationMs
for (let tried = 1; ; tried++) {
  const { sample, bytes } = fuzzer.next()
  // The frame is left where the watching thread finds it, should it never come back.
  const text = `${names.get(sample)} ${bytes.toString('hex')}`
  Atomics.store(counters, 2, frame.write(text, 'latin1'))
  const { wasTaken, fault } = tryBytes(sample, bytes)
  Atomics.add(counters, 0, 1)
  if (wasTaken) Atomics.add(counters, 1, 1)
  if (fault !== undefined) parentPort!.postMessage({ fault: `${text}: ${fault}` })
  if (tried === frames) break
  if (durationMs > 0 && tried % 64 === 0 && performance.now() >= endMs) break
}
