import { describe, expect, test } from 'vitest'
import { ZERO_UUID } from './api.ts'
import { DeleteTopics } from './generated/delete-topics.ts'
import { Fetch, type FetchResponse } from './generated/fetch.ts'
import { Metadata } from './generated/metadata.ts'
import { Reader } from './reader.ts'
import { UnrepresentableFieldError, Writer } from './writer.ts'

describe('pieces', () => {
  test('large buffers are handed over as they are, small ones are packed', () => {
    const writer = new Writer()
    const large = Buffer.alloc(4096, 7)
    writer.int32(1)
    writer.bytes(large)
    writer.bytes(Buffer.from('small'))
    const pieces = writer.finish()
    expect(pieces).toHaveLength(3)
    expect(pieces[1]).toBe(large)
    expect(pieces[2]!.toString('latin1', 4)).toBe('small')
  })

  test('a frame begins with its length, whatever its pieces', () => {
    const writer = new Writer()
    writer.beginFrame()
    writer.records([Buffer.alloc(5000), Buffer.alloc(10)])
    writer.int8(1)
    const bytes = Buffer.concat(writer.finish())
    expect(bytes.readInt32BE(0)).toBe(bytes.length - 4)
    expect(bytes.readInt32BE(4)).toBe(5010)
  })

  test('messages written one after the other do not touch each other, also when the slab is full', () => {
    const writer = new Writer(64)
    const texts = Array.from({ length: 500 }, (_, index) => `message ${index} ${'x'.repeat(index)}`)
    const written = texts.map((text) => {
      writer.beginFrame()
      writer.compactString(text)
      return writer.finish()
    })
    const read = written.map((pieces) => {
      const it = new Reader(Buffer.concat(pieces))
      expect(it.int32('size')).toBe(it.remaining)
      return it.compactString('text')
    })
    expect(read).toEqual(texts)
  })

  test('what a failed encode left behind is dropped by the next frame', () => {
    const writer = new Writer()
    writer.beginFrame()
    writer.bytes(Buffer.alloc(5000))
    writer.beginFrame()
    writer.int8(1)
    expect(Buffer.concat(writer.finish()).toString('hex')).toBe('0000000101')
  })

  test('an empty message has no pieces', () => {
    expect(new Writer().finish()).toEqual([])
  })
})

describe('tagged fields', () => {
  test('the size goes before a value of any length, nested ones too', () => {
    for (const length of [0, 1, 127, 128, 5000, 20_000]) {
      const writer = new Writer(64)
      writer.int8(9)
      const outer = writer.beginTaggedField(1)
      const inner = writer.beginTaggedField(2)
      writer.raw(Buffer.alloc(length, 5))
      writer.endTaggedField(inner)
      writer.int8(3)
      writer.endTaggedField(outer)
      writer.int8(4)
      const it = new Reader(Buffer.concat(writer.finish()))
      expect([it.int8('a'), it.unsignedVarint('tag')]).toEqual([9, 1])
      const outerEnd = it.taggedFieldEnd()
      expect(it.unsignedVarint('tag')).toBe(2)
      const innerEnd = it.taggedFieldEnd()
      expect(innerEnd - it.position).toBe(length)
      it.position = innerEnd
      expect([it.int8('b'), it.position === outerEnd, it.int8('c'), it.remaining]).toEqual([3, true, 4, 0])
    }
  })

  test('known and unknown ones mingle by tag', () => {
    const response: FetchResponse = {
      throttleTimeMs: 0,
      errorCode: 0,
      sessionId: 0,
      responses: [],
      nodeEndpoints: [],
    }
    const unknown = [
      { tag: 5, bytes: Buffer.from('aa', 'hex') },
      { tag: 9, bytes: Buffer.from('bb', 'hex') },
    ]
    const writer = new Writer()
    const endpoint = { nodeId: 1, host: 'h', port: 2, rack: null }
    Fetch.response.encode(
      writer,
      { ...response, nodeEndpoints: [endpoint], unknownTaggedFields: unknown },
      17,
    )
    const bytes = writer.finishCopy()
    expect(bytes.subarray(11, 14).toString('hex')).toBe('030' + '00d')
    expect(Fetch.response.decode(new Reader(bytes), 17)).toMatchObject({
      nodeEndpoints: [endpoint],
      unknownTaggedFields: unknown,
    })
  })
})

describe('what a version cannot carry', () => {
  const request = {
    topics: null,
    allowAutoTopicCreation: true,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  }

  test('a value that is not the default is an error', () => {
    const writer = new Writer()
    const encode = () => Metadata.request.encode(writer, { ...request, allowAutoTopicCreation: false }, 3)
    expect(encode).toThrow(UnrepresentableFieldError)
    expect(encode).toThrow('MetadataRequest version 3 cannot carry this value of allowAutoTopicCreation')
  })

  test('null where the version allows none is an error', () => {
    const writer = new Writer()
    expect(() => Metadata.request.encode(writer, request, 0)).toThrow(UnrepresentableFieldError)
    const result = { name: null, topicId: ZERO_UUID, errorCode: 0, errorMessage: null }
    expect(() => DeleteTopics.response.encode(writer, { throttleTimeMs: 0, responses: [result] }, 5)).toThrow(
      'DeletableTopicResult.name',
    )
  })

  test('an ignorable field is dropped', () => {
    const writer = new Writer()
    const response: FetchResponse = {
      throttleTimeMs: 7,
      errorCode: 0,
      sessionId: 0,
      responses: [],
      nodeEndpoints: [],
    }
    Fetch.response.encode(writer, response, 0)
    expect(writer.finishCopy().toString('hex')).toBe('00000000')
  })

  test('text longer than the protocol allows', () => {
    expect(() => new Writer().string('x'.repeat(40_000))).toThrow(RangeError)
    expect(() => new Writer().compactString('x'.repeat(40_000))).toThrow(RangeError)
    expect(() => new Writer().uuid('short')).toThrow(RangeError)
  })
})
