/** Bytes that were given together: a whole input, or what one side of a connection sent. */
export interface Piece {
  /** `10.0.0.5:53124 > 10.0.0.7:9092`; empty when there is nothing to tell. */
  readonly label: string
  readonly bytes: Buffer
}

const TCP = 6
const ETHERNET_BYTES = 14
const IPV6_BYTES = 40

interface Segment {
  readonly label: string
  readonly sequence: number
  readonly payload: Buffer
}

/** What the packets of a dump carry, by connection and direction; undefined when they are no packets of TCP. */
export function streamsOf(packets: readonly Buffer[]): Piece[] | undefined {
  const streams = new Map<string, { seen: Set<number>; parts: Buffer[] }>()
  for (const packet of packets) {
    const segment = ipSegment(packet) ?? ipSegment(packet.subarray(ETHERNET_BYTES))
    if (segment === undefined) return undefined
    const { label, sequence, payload } = segment
    const stream = streams.get(label) ?? { seen: new Set<number>(), parts: [] }
    streams.set(label, stream)
    // What was sent again counts once.
    if (payload.length === 0 || stream.seen.has(sequence)) continue
    stream.seen.add(sequence)
    stream.parts.push(payload)
  }
  return [...streams]
    .filter(([, { parts }]) => parts.length > 0)
    .map(([label, { parts }]) => ({ label, bytes: Buffer.concat(parts) }))
}

function ipSegment(packet: Buffer): Segment | undefined {
  const version = (packet[0] ?? 0) >> 4
  if (version === 4 && packet.length >= 20 && packet[9] === TCP) {
    const header = (packet[0]! & 15) * 4
    const total = packet.readUInt16BE(2)
    if (header < 20 || total < header) return undefined
    const address = (at: number) => packet.subarray(at, at + 4).join('.')
    return tcpSegment(packet.subarray(header, total), address(12), address(16))
  }
  if (version === 6 && packet.length >= IPV6_BYTES && packet[6] === TCP) {
    const address = (at: number) =>
      `[${packet
        .subarray(at, at + 16)
        .toString('hex')
        .replace(/.{4}(?=.)/g, '$&:')}]`
    const end = IPV6_BYTES + packet.readUInt16BE(4)
    return tcpSegment(packet.subarray(IPV6_BYTES, end), address(8), address(24))
  }
  return undefined
}

function tcpSegment(segment: Buffer, from: string, to: string): Segment | undefined {
  if (segment.length < 20) return undefined
  const header = (segment[12]! >> 4) * 4
  if (header < 20) return undefined
  return {
    label: `${from}:${segment.readUInt16BE(0)} > ${to}:${segment.readUInt16BE(2)}`,
    sequence: segment.readUInt32BE(4),
    payload: segment.subarray(header),
  }
}
