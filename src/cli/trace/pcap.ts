/** The beginning of a pcap file: microseconds, Ethernet. */
export function pcapHeader(): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(MAX_PACKET_BYTES, 16)
  header.writeUInt32LE(LINK_ETHERNET, 20)
  return header
}

const LINK_ETHERNET = 1
const MAX_PACKET_BYTES = 262_144
/** The length of an IPv4 packet has 16 bits. */
const MAX_SEGMENT_BYTES = 32 * 1024
const ETHERNET_BYTES = 14
const TCP_BYTES = 20
const FIN = 0x01
const SYN = 0x02
const PSH = 0x08
const ACK = 0x10

export interface Endpoint {
  /** An IPv4 or IPv6 address. */
  readonly address: string
  readonly port: number
}

interface Side extends Endpoint {
  readonly hardware: Buffer
  /** Next byte that this side sends. */
  sequence: number
}

/**
 * One TCP connection as packets of a pcap file, as if it began with the first frame that was seen: sequence numbers are our own and
 * have no gaps, so that a dissector follows it from wherever the trace began.
 */
export class PcapConnection {
  readonly #client: Side
  readonly #server: Side
  readonly #isIpv6: boolean
  #isOpen = false

  constructor(client: Endpoint, server: Endpoint) {
    this.#isIpv6 = client.address.includes(':') || server.address.includes(':')
    this.#client = { ...client, hardware: Buffer.from('020000000001', 'hex'), sequence: 0 }
    this.#server = { ...server, hardware: Buffer.from('020000000002', 'hex'), sequence: 0 }
  }

  /** Packets that carry `bytes` at `timeMs` (since the epoch). */
  send(from: 'client' | 'server', bytes: Buffer, timeMs: number): Buffer[] {
    const packets = this.#isOpen ? [] : this.#open(timeMs)
    const [sender, receiver] = from === 'client' ? [this.#client, this.#server] : [this.#server, this.#client]
    for (let at = 0; at < bytes.length; at += MAX_SEGMENT_BYTES) {
      const part = bytes.subarray(at, at + MAX_SEGMENT_BYTES)
      packets.push(
        this.#packet(sender, receiver, at + part.length === bytes.length ? PSH | ACK : ACK, part, timeMs),
      )
    }
    return packets
  }

  /** Packets that end it; none when nothing was sent. */
  end(timeMs: number): Buffer[] {
    if (!this.#isOpen) return []
    this.#isOpen = false
    return [
      this.#packet(this.#server, this.#client, FIN | ACK, NOTHING, timeMs),
      this.#packet(this.#client, this.#server, FIN | ACK, NOTHING, timeMs),
      this.#packet(this.#server, this.#client, ACK, NOTHING, timeMs),
    ]
  }

  #open(timeMs: number): Buffer[] {
    this.#isOpen = true
    return [
      this.#packet(this.#client, this.#server, SYN, NOTHING, timeMs),
      this.#packet(this.#server, this.#client, SYN | ACK, NOTHING, timeMs),
      this.#packet(this.#client, this.#server, ACK, NOTHING, timeMs),
    ]
  }

  #packet(from: Side, to: Side, flags: number, payload: Buffer, timeMs: number): Buffer {
    const tcp = Buffer.alloc(TCP_BYTES + payload.length)
    tcp.writeUInt16BE(from.port, 0)
    tcp.writeUInt16BE(to.port, 2)
    tcp.writeUInt32BE(from.sequence, 4)
    tcp.writeUInt32BE(flags === SYN ? 0 : to.sequence, 8)
    tcp[12] = (TCP_BYTES / 4) << 4
    tcp[13] = flags
    tcp.writeUInt16BE(0xffff, 14)
    payload.copy(tcp, TCP_BYTES)
    const length = payload.length + ((flags & (SYN | FIN)) !== 0 ? 1 : 0)
    from.sequence = (from.sequence + length) >>> 0
    const ip = this.#isIpv6 ? ipv6Header(from, to, tcp.length) : ipv4Header(from, to, tcp.length)
    tcp.writeUInt16BE(tcpChecksum(this.#isIpv6, ip, tcp), 16)
    const ethernet = Buffer.concat([
      to.hardware,
      from.hardware,
      Buffer.from(this.#isIpv6 ? [0x86, 0xdd] : [0x08, 0x00]),
    ])
    const record = Buffer.alloc(16)
    const microseconds = Math.round(timeMs * 1000)
    record.writeUInt32LE(Math.floor(microseconds / 1e6), 0)
    record.writeUInt32LE(microseconds % 1e6, 4)
    const packetBytes = ETHERNET_BYTES + ip.length + tcp.length
    record.writeUInt32LE(packetBytes, 8)
    record.writeUInt32LE(packetBytes, 12)
    return Buffer.concat([record, ethernet, ip, tcp])
  }
}

const NOTHING = Buffer.alloc(0)
const TCP = 6
const HOPS = 64

function ipv4Header(from: Endpoint, to: Endpoint, length: number): Buffer {
  const header = Buffer.alloc(20)
  header[0] = 0x45
  header.writeUInt16BE(header.length + length, 2)
  // May not be fragmented.
  header.writeUInt16BE(0x4000, 6)
  header[8] = HOPS
  header[9] = TCP
  ipv4Bytes(from.address).copy(header, 12)
  ipv4Bytes(to.address).copy(header, 16)
  header.writeUInt16BE(checksum([header]), 10)
  return header
}

function ipv6Header(from: Endpoint, to: Endpoint, length: number): Buffer {
  const header = Buffer.alloc(40)
  header[0] = 0x60
  header.writeUInt16BE(length, 4)
  header[6] = TCP
  header[7] = HOPS
  ipv6Bytes(from.address).copy(header, 8)
  ipv6Bytes(to.address).copy(header, 24)
  return header
}

function tcpChecksum(isIpv6: boolean, ip: Buffer, tcp: Buffer): number {
  const addresses = isIpv6 ? ip.subarray(8, 40) : ip.subarray(12, 20)
  const rest = Buffer.alloc(8)
  rest.writeUInt32BE(tcp.length, 0)
  rest[7] = TCP
  return checksum([addresses, rest, tcp])
}

/** The Internet checksum (RFC 1071) of buffers, all but the last of even length. */
function checksum(buffers: readonly Buffer[]): number {
  let sum = 0
  for (const buffer of buffers) {
    const even = buffer.length & ~1
    for (let at = 0; at < even; at += 2) sum += buffer.readUInt16BE(at)
    if (even < buffer.length) sum += buffer[even]! << 8
  }
  while (sum > 0xffff) sum = Math.floor(sum / 0x10000) + (sum & 0xffff)
  return ~sum & 0xffff
}

function ipv4Bytes(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number))
}

/** In text with at most one `::`; an IPv4 address becomes one of those that stand for IPv4. */
function ipv6Bytes(address: string): Buffer {
  const bytes = Buffer.alloc(16)
  const [text = ''] = address.split('%')
  if (!text.includes(':')) {
    bytes.writeUInt16BE(0xffff, 10)
    ipv4Bytes(text).copy(bytes, 12)
    return bytes
  }
  const [head = '', tail] = text.split('::')
  const groupsOf = (part: string) => part.split(':').filter((group) => group !== '')
  const first = groupsOf(head)
  const last = tail === undefined ? [] : groupsOf(tail)
  first.forEach((group, index) => void bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2))
  last.forEach(
    (group, index) => void bytes.writeUInt16BE(Number.parseInt(group, 16), 16 - (last.length - index) * 2),
  )
  return bytes
}
