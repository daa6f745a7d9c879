/** Bytes that were given together: a whole input, or what one side of a connection sent. */
export interface Piece {
  /** `10.0.0.5:53124 > 10.0.0.7:9092`; empty when there is nothing to tell. */
  readonly label: string
  readonly bytes: Buffer
}

const TCP = 6
const ETHERNET_BYTES = 14
const IPV6_BYTES = 40
const PCAP_HEADER_BYTES = 24
const PACKET_HEADER_BYTES = 16
/** With times in microseconds and in nanoseconds. */
const PCAP_MAGICS: ReadonlySet<number> = new Set([0xa1b2c3d4, 0xa1b23c4d])
/** Bytes in front of the IP header, by the link type of the file: loopback, Ethernet, raw IP, and the two of `any`. */
const linkHeaderBytes: Readonly<Record<number, number>> = {
  0: 4,
  1: ETHERNET_BYTES,
  101: 0,
  113: 16,
  276: 20,
}

interface Segment {
  readonly label: string
  readonly sequence: number
  readonly payload: Buffer
}

/** What the packets of a dump carry, by connection and direction; undefined when they are no packets of TCP. */
export function streamsOf(packets: readonly Buffer[]): Piece[] | undefined {
  const segments: Segment[] = []
  for (const packet of packets) {
    const segment = ipSegment(packet) ?? ipSegment(packet.subarray(ETHERNET_BYTES))
    if (segment === undefined) return undefined
    segments.push(segment)
  }
  return join(segments)
}

/** What the packets of a pcap file carry, by connection and direction; undefined when the bytes are no such file. */
export function streamsOfPcap(bytes: Buffer): Piece[] | undefined {
  const magic = bytes.length < PCAP_HEADER_BYTES ? 0 : bytes.readUInt32LE()
  const isLittle = PCAP_MAGICS.has(magic)
  if (!isLittle && !PCAP_MAGICS.has(bytes.length < PCAP_HEADER_BYTES ? 0 : bytes.readUInt32BE()))
    return undefined
  const word = (at: number) => (isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at))
  const linkBytes = linkHeaderBytes[word(20) & 0xffff] ?? 0
  const segments: Segment[] = []
  for (let at = PCAP_HEADER_BYTES; at + PACKET_HEADER_BYTES <= bytes.length; ) {
    const start = at + PACKET_HEADER_BYTES
    at = start + word(at + 8)
    const segment = ipSegment(bytes.subarray(start + linkBytes, at))
    if (segment !== undefined) segments.push(segment)
  }
  return join(segments)
}

/** Puts together what each side of each connection sent. */
function join(segments: readonly Segment[]): Piece[] {
  const streams = new Map<string, { seen: Set<number>; parts: Buffer[] }>()
  for (const segment of segments) {
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
