import { describe, expect, test } from 'vitest'
import { PcapConnection, pcapHeader } from './pcap.ts'

const RECORD_BYTES = 16
const ETHERNET_BYTES = 14

/** What a packet says, read by the rules of IPv4, IPv6 and TCP. */
function parse(packet: Buffer) {
  const [seconds, microseconds, captured, length] = [0, 4, 8, 12].map((at) => packet.readUInt32LE(at))
  expect([captured, length]).toEqual([packet.length - RECORD_BYTES, packet.length - RECORD_BYTES])
  const ip = packet.subarray(RECORD_BYTES + ETHERNET_BYTES)
  const isIpv6 = packet.readUInt16BE(RECORD_BYTES + 12) === 0x86dd
  const tcp = ip.subarray(isIpv6 ? 40 : 20)
  expect(isIpv6 ? ip.readUInt16BE(4) : ip.readUInt16BE(2) - 20).toBe(tcp.length)
  const addresses = isIpv6 ? ip.subarray(8, 40) : ip.subarray(12, 20)
  // Over bytes that hold their own checksum the sum is all ones.
  if (!isIpv6) expect(onesSum(ip.subarray(0, 20))).toBe(0xffff)
  expect(onesSum(Buffer.concat([addresses, Buffer.from([0, 6]), uint16(tcp.length), tcp]))).toBe(0xffff)
  const flags = tcp[13]!
  return {
    timeMs: seconds! * 1000 + microseconds! / 1000,
    ports: [tcp.readUInt16BE(0), tcp.readUInt16BE(2)],
    addresses: addresses.toString('hex'),
    sequence: tcp.readUInt32BE(4),
    acknowledged: tcp.readUInt32BE(8),
    flags: ['FIN', 'SYN', '', 'PSH', 'ACK'].filter((name, bit) => name && flags & (1 << bit)).join(' '),
    payload: tcp.subarray(20),
  }
}

function onesSum(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at]! << 8) | (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff])
}

const client = { address: '10.1.2.3', port: 50_000 }
const server = { address: '127.0.0.1', port: 9092 }

describe('pcap', () => {
  test('the file begins as one of Ethernet with microseconds', () => {
    expect(pcapHeader().toString('hex')).toBe(
      'd4c3b2a1' + '02000400' + '00000000' + '00000000' + '00000400' + '01000000',
    )
  })

  test('a connection opens, carries bytes both ways and ends, without gaps', () => {
    const connection = new PcapConnection(client, server)
    const packets = [
      ...connection.send('client', Buffer.from('ask'), 1_700_000_000_123.5),
      ...connection.send('server', Buffer.from('reply'), 1_700_000_000_124),
      ...connection.end(1_700_000_000_125),
    ].map(parse)
    expect(
      packets.map(({ flags, sequence, acknowledged, payload }) => [
        flags,
        sequence,
        acknowledged,
        `${payload}`,
      ]),
    ).toEqual([
      ['SYN', 0, 0, ''],
      ['SYN ACK', 0, 1, ''],
      ['ACK', 1, 1, ''],
      ['PSH ACK', 1, 1, 'ask'],
      ['PSH ACK', 1, 4, 'reply'],
      ['FIN ACK', 6, 4, ''],
      ['FIN ACK', 4, 7, ''],
      ['ACK', 7, 5, ''],
    ])
    expect(packets[3]).toMatchObject({
      ports: [50_000, 9092],
      addresses: '0a0102037f000001',
      timeMs: 1_700_000_000_123.5,
    })
    expect(packets[4]).toMatchObject({ ports: [9092, 50_000], addresses: '7f0000010a010203' })
  })

  test('a long frame is cut into segments that follow each other', () => {
    const bytes = Buffer.from(Array.from({ length: 70_001 }, (_, index) => index % 251))
    const segments = new PcapConnection(client, server).send('client', bytes, 0).slice(3).map(parse)
    expect(Buffer.concat(segments.map(({ payload }) => payload)).equals(bytes)).toBe(true)
    expect(segments.map(({ sequence }) => sequence)).toEqual([1, 32_769, 65_537])
    expect(segments.map(({ flags }) => flags)).toEqual(['ACK', 'ACK', 'PSH ACK'])
  })

  test('IPv6, also where the other end has an IPv4 address', () => {
    const [syn] = new PcapConnection(
      { address: '::1', port: 1 },
      { address: 'fe80::a:2%eth0', port: 2 },
    ).send('client', Buffer.from('x'), 0)
    expect(parse(syn!).addresses).toBe('0'.repeat(31).concat('1', 'fe80000000000000', '00000000000a0002'))
    const [mixed] = new PcapConnection({ address: '2001:db8:0:1:2:3:4:5', port: 1 }, server).send(
      'client',
      Buffer.from('x'),
      0,
    )
    expect(parse(mixed!).addresses).toBe(
      '20010db8000000010002000300040005' + '00000000000000000000ffff7f000001',
    )
  })

  test('the end of a connection of which nothing was shown is not shown', () => {
    expect(new PcapConnection(client, server).end(0)).toEqual([])
  })
})
