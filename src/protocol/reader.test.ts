import { describe, expect, test } from 'vitest'
import { ZERO_UUID } from './api.ts'
import { Fetch } from './generated/fetch.ts'
import { Metadata } from './generated/metadata.ts'
import { OffsetCommit } from './generated/offset-commit.ts'
import { MalformedMessageError, Reader } from './reader.ts'
import { Writer } from './writer.ts'

const reader = (hex: string) => new Reader(Buffer.from(hex, 'hex'))

function malformed(read: () => unknown): MalformedMessageError {
  try {
    read()
  } catch (error) {
    if (error instanceof MalformedMessageError) return error
    throw error
  }
  throw new Error('nothing was wrong')
}

describe('primitives', () => {
  test('numbers are big-endian', () => {
    const it = reader('ff fffe fffe fffffffd fffffffd fffffffffffffffc 3ff8000000000000'.replaceAll(' ', ''))
    expect([it.int8('a'), it.int16('b'), it.uint16('c'), it.int32('d'), it.uint32('e')]).toEqual([
      -1, -2, 65534, -3, 4294967293,
    ])
    expect([it.int64('f'), it.float64('g'), it.remaining]).toEqual([-4n, 1.5, 0])
  })

  test('any byte but 0 is true', () => {
    expect(reader('02').bool('a')).toBe(true)
    expect(reader('00').bool('a')).toBe(false)
  })

  test('a UUID is 22 characters, and zero is the one constant', () => {
    expect(reader('00112233445566778899aabbccddeeff').uuid('id')).toBe('ABEiM0RVZneImaq7zN3u_w')
    expect(reader('00'.repeat(16)).uuid('id')).toBe(ZERO_UUID)
    expect(reader(`${'00'.repeat(15)}01`).uuid('id')).toBe('AAAAAAAAAAAAAAAAAAAAAQ')
  })

  test('text of every length and script', () => {
    for (const text of ['', 'a', 'orders', 'größe', '日本', '🙂', 'x'.repeat(300), 'ü'.repeat(300)]) {
      const writer = new Writer()
      writer.string(text)
      writer.compactString(text)
      const it = new Reader(writer.finishCopy())
      expect([it.string('a'), it.compactString('b'), it.remaining]).toEqual([text, text, 0])
    }
  })

  test('varints of one to five bytes', () => {
    for (const value of [0, 1, 127, 128, 16383, 16384, 2 ** 31, 2 ** 32 - 1]) {
      const writer = new Writer()
      writer.unsignedVarint(value)
      expect(new Reader(writer.finishCopy()).unsignedVarint('a')).toBe(value)
    }
    expect(malformed(() => reader('ffffffffffff').unsignedVarint('a')).position).toBe(0)
  })
})

describe('what must not be', () => {
  test('null where a value must be', () => {
    expect(malformed(() => reader('ffff').string('name')).message).toBe(
      'null where a value must be at byte 2 in name',
    )
    expect(malformed(() => reader('00').compactArrayLength('topics', 1)).fieldPath).toBe('topics')
  })

  test('lengths below null', () => {
    expect(malformed(() => reader('fffe').string('name')).reason).toBe('impossible length -2')
    // Where null may be, Kafka's own classes take every length below zero for it.
    expect(reader('fffe').nullableString('name')).toBeNull()
    expect(reader('80000000').nullableBytes('blob')).toBeNull()
    expect(reader('fffffffe').nullableArrayLength('topics', 1)).toBe(-1)
  })

  test('strings longer than the protocol allows', () => {
    const writer = new Writer()
    writer.unsignedVarint(0x8000 + 1)
    writer.raw(Buffer.alloc(0x8000))
    expect(malformed(() => new Reader(writer.finishCopy()).compactString('name')).reason).toBe(
      'impossible length 32768',
    )
  })

  test('a count that the bytes left cannot hold is refused before anything is allocated', () => {
    expect(malformed(() => reader('7fffffff00').arrayLength('topics', 1)).reason).toBe(
      '2147483647 elements do not fit in 1 bytes',
    )
    expect(malformed(() => reader('7fffffff00').tagCount()).fieldPath).toBe('tagged fields')
    expect(reader('0000000200000000').arrayLength('topics', 2)).toBe(2)
    expect(malformed(() => reader('0000000200000000').arrayLength('topics', 3)).position).toBe(4)
  })

  test('a read beyond the given end, though the buffer goes on', () => {
    expect(malformed(() => new Reader(Buffer.alloc(8), 0, 3).int32('a')).message).toBe(
      'the message ends, 4 bytes were expected at byte 0 in a',
    )
  })

  test('the path names every struct on the way', () => {
    const writer = new Writer()
    const offset = {
      committedOffset: 1n,
      committedLeaderEpoch: -1,
      commitTimestamp: -1n,
      committedMetadata: 'what I did',
    }
    const partitions = [
      { partitionIndex: 0, ...offset },
      { partitionIndex: 1, ...offset },
    ]
    const member = {
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      retentionTimeMs: -1n,
    }
    const topic = { name: 'orders', topicId: ZERO_UUID, partitions }
    OffsetCommit.request.encode(writer, { groupId: 'g', ...member, topics: [topic] }, 2)
    const bytes = writer.finishCopy()
    const error = malformed(() => OffsetCommit.request.decode(new Reader(bytes, 0, bytes.length - 1), 2))
    expect(error.fieldPath).toBe('topics[0].partitions[1].committedMetadata')
  })
})

describe('tagged fields', () => {
  test('unknown ones are kept, whatever their order, and written again', () => {
    // MetadataRequest 12: null topics, no creation, no operations; then tags 7, 3, 3.
    const it = new Reader(Buffer.from('000000' + '03' + '0701aa' + '0302bbcc' + '0300', 'hex'))
    const request = Metadata.request.decode(it, 12)
    expect(request.unknownTaggedFields?.map(({ tag, bytes }) => [tag, bytes.toString('hex')])).toEqual([
      [7, 'aa'],
      [3, 'bbcc'],
      [3, ''],
    ])
    const writer = new Writer()
    Metadata.request.encode(writer, request, 12)
    expect(writer.finishCopy().toString('hex')).toBe('000000' + '03' + '0701aa' + '0302bbcc' + '0300')
  })

  test('the announced size of a known one must be its own', () => {
    // FetchRequest 17 with clusterId (tag 0) of one byte announced as two.
    const body = `${'00'.repeat(4 + 4 + 4)}00${'00'.repeat(8)}010101`
    const it = reader(`${body}0100020161`)
    expect(malformed(() => Fetch.request.decode(it, 17)).fieldPath).toBe('clusterId')
  })

  test('a message full of them is refused before it fills the memory', () => {
    const bytes = Buffer.concat([Buffer.from('000000b0ea01', 'hex'), Buffer.alloc(60_000)])
    expect(malformed(() => Metadata.request.decode(new Reader(bytes), 12)).reason).toBe(
      'more than 10000 unknown tagged fields',
    )
  })

  test('bytes after a message stay for the caller to judge', () => {
    const it = reader('000000' + '00' + 'ffff')
    Metadata.request.decode(it, 12)
    expect(it.remaining).toBe(2)
  })

  test('bytes are copies, records are views into the frame', () => {
    const frame = Buffer.from('00000002abcd00000002abcd', 'hex')
    const it = new Reader(frame)
    const copy = it.bytes('blob')
    const view = it.records('records')
    frame.fill(0)
    expect([copy.toString('hex'), view.toString('hex')]).toEqual(['abcd', '0000'])
  })
})
