import { closeSync, openSync, writeFileSync } from 'node:fs'
import { CommandError, type Host } from '../host.ts'
import { type DescribedExchange, ExchangeDescriber } from './described-exchange.ts'
import type { Exchange, TraceItem } from './exchanges.ts'
import { PcapConnection, pcapHeader } from './pcap.ts'
import { exchangeJson, exchangeLine, otherLine } from './trace-line.ts'

export interface TraceOutputOptions {
  readonly host: Pick<Host, 'out' | 'drained'>
  readonly filter: (described: DescribedExchange) => boolean
  /** What follows the line of an exchange; undefined: nothing. */
  readonly details: ((described: DescribedExchange) => string) | undefined
  /** Whether lines of JSON carry the frames. */
  readonly withBytes: boolean
  readonly out: string | undefined
  readonly pcap: string | undefined
}

/** Where a trace goes: standard output, and files. */
export class TraceOutput {
  readonly #options: TraceOutputOptions
  readonly #describer = new ExchangeDescriber()
  readonly #jsonFile: OutputFile | undefined
  readonly #pcapFile: OutputFile | undefined
  readonly #pcapConnections = new Map<number, PcapConnection>()

  /** Throws `CommandError` when a file cannot be written. */
  constructor(options: TraceOutputOptions) {
    this.#options = options
    this.#jsonFile = options.out === undefined ? undefined : new OutputFile(options.out)
    this.#pcapFile = options.pcap === undefined ? undefined : new OutputFile(options.pcap)
    this.#pcapFile?.write(pcapHeader())
  }

  /** Resolves when there is room for more. Rejects with `CommandError` when a file cannot be written any more. */
  async tell(item: TraceItem): Promise<void> {
    const { host, filter, details, withBytes } = this.#options
    if (item.kind !== 'exchange') {
      if (item.kind === 'closed') this.#endPcap(item.connection.id, item.timeMs)
      const line = otherLine(item)
      if (line !== undefined) host.out(`${line}\n`)
      return
    }
    const described = await this.#describer.describe(item)
    if (!filter(described)) return
    host.out(`${exchangeLine(described)}\n${details?.(described) ?? ''}`)
    this.#jsonFile?.write(`${JSON.stringify(exchangeJson(described, withBytes))}\n`)
    this.#writePcap(item)
    await host.drained()
  }

  close(): void {
    this.#jsonFile?.close()
    this.#pcapFile?.close()
  }

  /** A response alone says nothing to a dissector, and a frame that was cut would put it out of step. */
  #writePcap({ connection, request, response }: Exchange): void {
    if (this.#pcapFile === undefined || !request) return
    const frames = response ? [request, response] : [request]
    if (frames.some(({ bytes, frameBytes }) => bytes.length < frameBytes)) return
    let packets = this.#pcapConnections.get(connection.id)
    if (!packets) {
      packets = new PcapConnection(
        { address: connection.clientAddress, port: connection.clientPort },
        { address: connection.localAddress, port: connection.localPort },
      )
      this.#pcapConnections.set(connection.id, packets)
    }
    for (const frame of frames) {
      const size = Buffer.alloc(4)
      size.writeInt32BE(frame.frameBytes)
      const from = frame === request ? 'client' : 'server'
      for (const packet of packets.send(from, Buffer.concat([size, frame.bytes]), frame.timeMs)) {
        this.#pcapFile.write(packet)
      }
    }
  }

  #endPcap(connectionId: number, timeMs: number): void {
    const packets = this.#pcapConnections.get(connectionId)
    this.#pcapConnections.delete(connectionId)
    if (this.#pcapFile === undefined || !packets) return
    for (const packet of packets.end(timeMs)) this.#pcapFile.write(packet)
  }
}

/** All that fails is told as a `CommandError` with the file's name. */
class OutputFile {
  readonly #path: string
  readonly #descriptor: number

  constructor(path: string) {
    this.#path = path
    this.#descriptor = this.#attempt(() => openSync(path, 'w'))
  }

  write(content: string | Buffer): void {
    this.#attempt(() => writeFileSync(this.#descriptor, content))
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  #attempt<Result>(action: () => Result): Result {
    try {
      return action()
    } catch (error) {
      throw new CommandError(`cannot write ${this.#path}: ${(error as Error).message}`)
    }
  }
}
