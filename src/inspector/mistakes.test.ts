import { describe, expect, test } from 'vitest'
import { crc32 } from '../protocol/crc32.ts'
import { crc32c } from '../protocol/crc32c.ts'
import { Explainer } from './explain.ts'
import { type Problem, regionOf, sentence } from './node.ts'
import type { FrameHints } from './recognise.ts'
import { catalog } from './test-support/catalog.ts'

/** The problem that is found in bytes; hex may have blanks. */
function problemIn(hex: string | Buffer, hints: FrameHints = {}): Problem | undefined {
  const bytes = typeof hex === 'string' ? Buffer.from(hex.replace(/\s/g, ''), 'hex') : hex
  const { parts } = new Explainer({ catalog, hints, limit: 100 }).explain(regionOf(bytes))
  return parts.find(({ problem }) => problem !== undefined)?.problem
}

/** A frame from what stands behind its size. */
function framed(hex: string): string {
  const content = hex.replace(/\s/g, '')
  return (content.length / 2).toString(16).padStart(8, '0') + content
}

/** Where the caret stands, and what is said. */
function told(hex: string | Buffer, hints: FrameHints = {}): { caret: number; length: number; says: string } {
  const problem = problemIn(hex, hints)
  if (problem === undefined) throw new Error('no problem was found')
  return { caret: problem.position, length: problem.length, says: sentence(problem) }
}

const apiVersions = (client: string, body: string) => framed(`0012 0003 00000007 ${client} ${body}`)
const software = '08 6f64726164656b 06 302e312e30 00'

test('nothing is wrong with what is right', () => {
  expect(problemIn(apiVersions('0003 636c69 00', software))).toBeUndefined()
  expect(problemIn(framed('0012 0000 00000007 0003 636c69'))).toBeUndefined()
  expect(problemIn(batch())).toBeUndefined()
})

describe('the mistakes that it knows: a caret at the first wrong byte, and one sentence', () => {
  test('request header 1 where 2 is due', () => {
    expect(told(apiVersions('0003 636c69', software))).toEqual({
      caret: 17,
      length: 8,
      says:
        'Byte 17 (header.tagged fields): 08 6f 64 72 61 64 65 6b is clientSoftwareName of version 3; expected tagged fields of ' +
        'request header version 2. Usual cause: the sender writes header version 1 where 2 is due; flexible versions of an API ' +
        '(KIP-482) have header version 2, all others 1.',
    })
  })

  test('request header 2 where 1 is due', () => {
    // Heartbeat 0: group, generation, member.
    expect(told(framed('000c 0000 00000009 0003 636c69 00 0002 6731 00000005 0002 6d31'))).toEqual({
      caret: 17,
      length: 1,
      says:
        'Byte 17 (groupId): 00 is tagged fields of request header version 2; expected groupId of version 0. Usual cause: the ' +
        'sender writes header version 2 where 1 is due; flexible versions of an API (KIP-482) have header version 2, all others 1.',
    })
  })

  test('compact length without the + 1', () => {
    expect(told(apiVersions('0003 636c69 00', '07 6f64726164656b 05 302e312e30 00'))).toEqual({
      caret: 18,
      length: 1,
      says:
        'Byte 18 (clientSoftwareName): 07 is the length itself; expected 08, the length + 1. Usual cause: compact strings, bytes ' +
        'and arrays begin with their length + 1, since 0 stands for null (KIP-482).',
    })
  })

  test('compact length without the + 1 in one field only', () => {
    const { caret, says } = told(apiVersions('0003 636c69 00', '08 6f64726164656b 05 302e312e30 00'))
    expect(caret).toBe(26)
    expect(says).toContain(
      'Byte 26 (clientSoftwareVersion): 05 is the length itself; expected 06, the length + 1.',
    )
  })

  test('no tagged fields at the end of the message', () => {
    expect(told(apiVersions('0003 636c69 00', '08 6f64726164656b 06 302e312e30'))).toEqual({
      caret: 32,
      length: 0,
      says:
        'Byte 32 (tagged fields): the count of tagged fields is missing; expected 00. Usual cause: every struct of a flexible ' +
        'version ends with its tagged fields, 00 when there are none (KIP-482).',
    })
  })

  test('no tagged fields at the end of structs inside', () => {
    // Metadata 9 for two topics.
    const { caret, says } = told(framed('0003 0009 00000001 ffff 00 03 036161 036262 01 00 00 00'))
    expect(caret).toBe(19)
    expect(says).toContain(
      'Byte 19 (topics[0].tagged fields): the count of tagged fields is missing; expected 00.',
    )
  })

  test('tagged fields out of order, and twice', () => {
    const response = (tags: string) => framed(`00000007 0000 01 00000000 ${tags}`)
    const hints = { role: 'response', apiKey: 18, version: 3 } as const
    const epoch = '01 08 0000000000000001'
    const features = '00 01 01'
    expect(problemIn(response(`02 ${features} ${epoch}`), hints)).toBeUndefined()
    expect(told(response(`02 ${epoch} ${features}`), hints)).toEqual({
      caret: 26,
      length: 1,
      says:
        'Byte 26 (tagged fields): tag 0 behind tag 1; expected tags that ascend. Usual cause: the sender writes tagged fields in ' +
        'the order of their definition, or from a map.',
    })
    expect(told(response(`02 ${epoch} ${epoch}`), hints).says).toContain(
      'tag 1 again; expected each tag once.',
    )
  })

  test('client id with a compact length', () => {
    expect(told(apiVersions('04 636c69 00', software))).toEqual({
      caret: 12,
      length: 1,
      says:
        'Byte 12 (header.clientId): 04 is a compact length; expected 00 03, an int16. Usual cause: the client id keeps ' +
        'its int16 length also in header version 2.',
    })
  })

  test('ApiVersions response with header 1', () => {
    const hints = { role: 'response', apiKey: 18, version: 3 } as const
    const body = '0000 02 0012 0000 0004 00 00000000 00'
    expect(problemIn(framed(`00000007 ${body}`), hints)).toBeUndefined()
    const { caret, says } = told(framed(`00000007 00 ${body}`), hints)
    expect(caret).toBe(8)
    expect(says).toContain(
      'Usual cause: the sender writes header version 1 where 0 is due; flexible versions of an API (KIP-482) have response header version 1, ' +
        'all others and every ApiVersions 0.',
    )
  })

  test('response header 0 where 1 is due', () => {
    // Heartbeat 4.
    const { caret, says } = told(framed('00000007 00000064 001b 00'), {
      role: 'response',
      apiKey: 12,
      version: 4,
    })
    expect(caret).toBe(8)
    expect(says).toContain('expected tagged fields of response header version 1.')
  })

  test('size that counts itself', () => {
    const right = apiVersions('0003 636c69 00', software)
    const wrong = `00000021${right.slice(8)}`
    expect(right.slice(0, 8)).toBe('0000001d')
    expect(told(wrong)).toEqual({
      caret: 0,
      length: 4,
      says:
        'Byte 0 (size): 00 00 00 21 says 33 bytes; expected 00 00 00 1d, for 29 bytes follow. Usual cause: the size counts its ' +
        'own four bytes; it is the length of what follows them.',
    })
    expect(told(wrong + right).caret).toBe(0)
  })

  test('little-endian size', () => {
    const right = apiVersions('0003 636c69 00', software)
    const { caret, says } = told(`1d000000${right.slice(8)}`)
    expect(caret).toBe(0)
    expect(says).toContain(
      'Usual cause: the size is written little-endian; Kafka writes the highest byte first.',
    )
  })

  test('little-endian numbers', () => {
    // Metadata 1 for one topic, all numbers turned round.
    expect(told(framed('0300 0100 07000000 0300 636c69 01000000 0200 6161'))).toEqual({
      caret: 4,
      length: 2,
      says:
        'Byte 4 (header.requestApiKey): 03 00 is 3 with the lowest byte first; expected 00 03. Usual cause: numbers are written ' +
        'little-endian; Kafka writes the highest byte first.',
    })
    const { caret, says } = told(framed('0003 0001 00000007 0003 636c69 01000000 0002 6161'))
    expect(caret).toBe(17)
    expect(says).toContain(
      'Byte 17 (topics): 01 00 00 00 is 1 with the lowest byte first; expected 00 00 00 01.',
    )
  })

  test('null where null is not allowed', () => {
    // Heartbeat 0 without a member id.
    expect(told(framed('000c 0000 00000009 0003 636c69 0002 6731 00000005 ffff'))).toEqual({
      caret: 25,
      length: 2,
      says:
        'Byte 25 (memberId): ff ff is null; expected a value. Usual cause: the sender writes null for what is empty, or the ' +
        'length 0 without the + 1 of compact lengths.',
    })
  })

  test('response of another version', () => {
    // Heartbeat 1 has a throttle time before its error code, Heartbeat 0 has none.
    expect(told(framed('00000007 001b'), { role: 'response', apiKey: 12, version: 1 })).toEqual({
      caret: 8,
      length: 2,
      says:
        'Byte 8 (throttleTimeMs): 00 1b is errorCode of version 0; expected throttleTimeMs of version 1. Usual cause: the response ' +
        'is one of version 0, not of the version 1 that was asked for.',
    })
  })

  test('request body of another version', () => {
    // Metadata 4 says whether topics may be created, Metadata 3 does not.
    const { says } = told(framed('0003 0003 00000007 0003 636c69 00000001 0002 6161 01'))
    expect(says).toContain('Usual cause: the header says version 3 and the body is written in version 4.')
  })
})

describe('record batches', () => {
  test('CRC of another polynomial', () => {
    const bytes = batch()
    bytes.writeUInt32BE(crc32(bytes.subarray(21)), 17)
    const { caret, length, says } = told(bytes)
    expect([caret, length]).toEqual([17, 4])
    expect(says).toMatch(
      /^Byte 17 \(batches\[0\]\.crc\): (.. ){4}is the CRC-32 from the attributes to the end; expected (.. ){3}.., the CRC-32C from the attributes to the end\. Usual cause: the wrong polynomial \(CRC-32 instead of CRC-32C\)\.$/,
    )
  })

  test('CRC over another range', () => {
    const bytes = batch()
    bytes.writeUInt32BE(crc32c(bytes.subarray(16)), 17)
    // Made before the CRC was written, and so with zeros in its place.
    const zeroed = batch()
    zeroed.fill(0, 17, 21)
    zeroed.writeUInt32BE(crc32c(zeroed.subarray(16)), 17)
    expect(told(zeroed).says).toMatch(
      /is the CRC-32C from the magic to the end; expected .* Usual cause: the checksum covers the wrong range\.$/,
    )
    const both = batch()
    both.writeUInt32BE(crc32(both.subarray(61)), 17)
    expect(told(both).says).toContain(
      'Usual cause: the wrong polynomial (CRC-32 instead of CRC-32C) and the checksum covers the wrong range.',
    )
  })

  test('CRC written backwards, and bytes that were changed', () => {
    const backwards = batch()
    backwards.writeUInt32LE(backwards.readUInt32BE(17), 17)
    expect(told(backwards).says).toContain('is the right checksum backwards')
    const changed = batch()
    changed[70]! ^= 1
    expect(told(changed).says).toContain('fits no checksum of these bytes')
  })

  test('varint without zigzag', () => {
    const { caret, length, says } = told(batch('0a 00 00 00 01 6b 03 616263 00'))
    expect([caret, length]).toEqual([61, 1])
    expect(says).toBe(
      'Byte 61 (batches[0].records[0].recordLength): 0a is 10 without zigzag; expected 14. Usual cause: the varint is written without ' +
        'zigzag; those of records are signed, and 0, -1, 1, -2 are written as 0, 1, 2, 3.',
    )
  })

  test('count of records that lies', () => {
    const record = '14 00 00 00 02 6b 06 616263 00'
    expect(told(batch(record + record, 1))).toEqual({
      caret: 57,
      length: 4,
      says:
        'Byte 57 (batches[0].recordCount): 00 00 00 01 says 1 record; expected 2, for so many lie in the batch. Usual cause: the ' +
        'count was not set after the last record, or counts something else.',
    })
    expect(told(batch(record, 3)).says).toContain(
      '00 00 00 03 says 3 records; expected 1, for so many lie in the batch.',
    )
  })

  test('length that counts too much', () => {
    const bytes = batch()
    bytes.writeInt32BE(bytes.length, 8)
    const { caret, says } = told(bytes)
    expect(caret).toBe(8)
    expect(says).toContain('Usual cause: the length counts the 12 bytes in front of it.')
  })

  test('within a Produce request', () => {
    const records = batch()
    records.writeUInt32BE(crc32(records.subarray(21)), 17)
    const size = records.length.toString(16).padStart(8, '0')
    const request = framed(
      `0000 0003 00000007 0003 636c69 ffff 0001 000003e8 00000001 0002 6f6b 00000001 00000000 ${size} ${records.toString('hex')}`,
    )
    const { caret, says } = told(request)
    expect(caret).toBe(45 + 17)
    expect(says).toContain('(topicData[0].partitionData[0].records[0].crc)')
    expect(says).toContain('the wrong polynomial')
  })
})

/** A batch of magic 2 with a right checksum. */
function batch(recordsHex = '14 00 00 00 02 6b 06 616263 00', recordCount = 1): Buffer {
  const records = Buffer.from(recordsHex.replace(/\s/g, ''), 'hex')
  const bytes = Buffer.alloc(61 + records.length)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes[16] = 2
  bytes.writeBigInt64BE(1_700_000_000_000n, 27)
  bytes.writeBigInt64BE(1_700_000_000_000n, 35)
  bytes.fill(0xff, 43, 57)
  bytes.writeInt32BE(recordCount, 57)
  records.copy(bytes, 61)
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  return bytes
}
