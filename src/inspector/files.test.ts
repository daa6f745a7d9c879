import { describe, expect, test } from 'vitest'
import { crc32c } from '../protocol/crc32c.ts'
import { Explainer, type ExplainOptions } from './explain.ts'
import { fileKindByContent, knownFile } from './file-kind.ts'
import { type InspectedNode, regionOf, sentence } from './node.ts'
import { catalog } from './test-support/catalog.ts'

function explained(bytes: Buffer | string, options: Partial<ExplainOptions> = {}) {
  const explainer = new Explainer({ catalog, hints: {}, limit: 100, ...options })
  return explainer.explain(regionOf(Buffer.from(bytes as string))).parts[0]!
}

const saidOf = (bytes: Buffer | string, options: Partial<ExplainOptions>) => {
  const { problem } = explained(bytes, options)
  return problem && sentence(problem)
}

/** The values of a tree of one or two levels. */
const valuesOf = (node: InspectedNode): unknown =>
  node.children.length === 0 ? node.value : node.children.map(valuesOf)

describe('files by their names', () => {
  test.each([
    ['/data/orders-3/00000000000000000042.log', 'segment', 42n, 'orders'],
    ['/data/my-topic-12/00000000000000000000.timeindex.deleted', 'time index', 0n, 'my-topic'],
    ['__consumer_offsets-7/00000000000000000007.snapshot', 'producer snapshot', 7n, '__consumer_offsets'],
    [
      '__cluster_metadata-0/00000000000000000123-0000000001.checkpoint',
      'segment',
      123n,
      '__cluster_metadata',
    ],
    ['data/replication-offset-checkpoint', 'offsets', undefined, undefined],
    ['data/orders-0/leader-epoch-checkpoint', 'leader epochs', undefined, 'orders'],
  ])('%s', (path, kind, baseOffset, topic) => {
    expect(knownFile(path)).toEqual({ kind, baseOffset, topic })
  })

  test('others are told by their content, or not at all', () => {
    expect(knownFile('answer.bin')).toBeUndefined()
    expect(fileKindByContent(Buffer.from('0\n1\norders 3 42\n'))).toBe('offsets')
    expect(fileKindByContent(Buffer.from('0\n1\n5 42\n'))).toBe('leader epochs')
    expect(fileKindByContent(Buffer.from('version: 0\ntopic_id: AAAA'))).toBe('properties')
    expect(fileKindByContent(Buffer.from('0012'))).toBeUndefined()
  })
})

describe('index files', () => {
  const offsets = Buffer.from('00000003 00000000 00000009 000010c4'.replaceAll(' ', ''), 'hex')
  const kind = 'offset index'

  test('entries, with the offsets that they come to', () => {
    const { root, problem } = explained(offsets, { kind, baseOffset: 100n })
    expect(problem).toBeUndefined()
    expect(valuesOf(root)).toEqual([
      [3, 0],
      [9, 4292],
    ])
    expect(root.children[1]!.children[0]!.note).toBe('offset 109')
  })

  test('room that is reserved is no mistake', () => {
    const { root, problem } = explained(Buffer.concat([offsets, Buffer.alloc(64)]), { kind })
    expect([problem, root.children.at(-1)!.name]).toEqual([undefined, 'reserved'])
  })

  test('a time index and a transaction index', () => {
    const time = Buffer.from('0000018bcfe5680000000009', 'hex')
    expect(valuesOf(explained(time, { kind: 'time index' }).root)).toEqual([[1_700_000_000_000n, 9]])
    const transaction = Buffer.alloc(34)
    transaction[9] = 7
    expect(valuesOf(explained(transaction, { kind: 'transaction index' }).root)).toEqual([
      [0, 7n, 0n, 0n, 0n],
    ])
  })

  test('cut off, and out of order', () => {
    expect(saidOf(offsets.subarray(0, 12), { kind })).toBe(
      'Byte 8 (entries): 4 bytes at the end; expected whole entries of 8 bytes. Usual cause: the file is cut off, or is no index.',
    )
    const turned = Buffer.concat([offsets.subarray(8), offsets.subarray(0, 8)])
    expect(saidOf(turned, { kind })).toContain(
      'Byte 8 (entries[1].relativeOffset): 3 behind 9; expected entries that ascend.',
    )
  })
})

describe('producer snapshots', () => {
  const kind = 'producer snapshot'
  const snapshot = Buffer.alloc(10)
  snapshot[1] = 1
  snapshot.writeUInt32BE(crc32c(snapshot.subarray(6)), 2)

  test('checksum and entries', () => {
    const { root, problem } = explained(snapshot, { kind })
    expect(problem).toBeUndefined()
    expect(root.children.map(({ name }) => name)).toEqual(['prefix', 'content'])
  })

  test('a wrong checksum, a cut, another version', () => {
    const wrong = Buffer.from(snapshot)
    wrong.writeUInt32BE(crc32c(snapshot), 2)
    expect(saidOf(wrong, { kind })).toContain('Byte 2 (crc)')
    expect(saidOf(snapshot.subarray(0, 8), { kind })).toContain(
      'the message ends here; expected 2 bytes more.',
    )
    const other = Buffer.from(snapshot)
    other[1] = 9
    expect(saidOf(other, { kind })).toContain('version 9; expected version 1')
  })
})

describe('text files', () => {
  test('checkpoints', () => {
    const { root, problem } = explained('0\n2\norders 3 42\nbills 0 7\n')
    expect(problem).toBeUndefined()
    expect(valuesOf(root)).toEqual([0, 2, ['orders', 3n, 42n], ['bills', 0n, 7n]])
    expect(root.children[3]!.children[2]).toMatchObject({
      position: 24,
      length: 1,
      path: 'entries[1].offset',
    })
  })

  test('a count that lies, a line that is none', () => {
    expect(saidOf('0\n3\norders 3 42\n', { kind: 'offsets' })).toBe(
      'Byte 2 (count): the count 3; expected 1, for so many entries follow. Usual cause: the file is cut off, or was changed by hand.',
    )
    expect(saidOf('0\n1\norders\n', { kind: 'offsets' })).toContain(
      'Byte 4 (entries[0]): "orders"; expected topic partition offset.',
    )
    expect(saidOf('', { kind: 'leader epochs' })).toContain(
      'the file ends here; expected a line with the version.',
    )
  })

  test('properties and quorum-state', () => {
    expect(valuesOf(explained('#\nnode.id=1\ncluster.id=abc\n').root)).toEqual([1, 'abc'])
    const quorum = explained('{"leaderId":1,"leaderEpoch":5,"currentVoters":[{"voterId":1}]}')
    expect([quorum.title, valuesOf(quorum.root)]).toEqual(['Quorum state', [1, 5, '[{"voterId":1}]']])
    expect(saidOf('{"leaderEpoch":', { kind: 'quorum state' })).toContain(
      'expected JSON. Usual cause: the file is cut off',
    )
  })
})
