import type { TraceHub, TraceReader } from '../../trace/trace-hub.ts'
import type { Host } from '../host.ts'
import { followTrace, type TraceSource } from './follow-trace.ts'
import { TraceOutput } from './trace-output.ts'

/** `--trace`: prints the exchanges of a broker in this process. Returns what ends that, once all is printed. */
export function traceInProcess(hub: TraceHub, host: Host): () => Promise<void> {
  const pipe = new Pipe()
  const detach = hub.attach(pipe)
  const output = new TraceOutput({
    host,
    filter: () => true,
    details: undefined,
    withBytes: false,
    out: undefined,
    pcap: undefined,
  })
  const told = followTrace(pipe, new Promise(() => {}), (item) => output.tell(item))
  return async () => {
    detach()
    pipe.end()
    await told
  }
}

/** A socket without one. What is written is read later, not in the middle of serving a request. */
class Pipe implements TraceReader, TraceSource {
  queuedBytes = 0
  #chunks: Buffer[] = []
  #isPaused = false
  #isEnded = false
  #isScheduled = false
  #onBytes: (bytes: Buffer) => void = () => {}
  #onClose: () => void = () => {}

  write(bytes: Buffer): void {
    this.#chunks.push(bytes)
    this.queuedBytes += bytes.length
    this.#schedule()
  }

  end(): void {
    this.#isEnded = true
    this.#schedule()
  }

  onBytes(listener: (bytes: Buffer) => void): void {
    this.#onBytes = listener
  }

  onClose(listener: () => void): void {
    this.#onClose = listener
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    if (this.#chunks.length > 0 || this.#isEnded) this.#schedule()
  }

  destroy(): void {}

  #schedule(): void {
    if (this.#isScheduled || this.#isPaused) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      const chunks = this.#chunks
      this.#chunks = []
      this.queuedBytes = 0
      if (chunks.length > 0) this.#onBytes(Buffer.concat(chunks))
      if (this.#isEnded) this.#onClose()
    })
  }
}
