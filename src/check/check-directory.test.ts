import { beforeEach, describe, expect, test } from 'vitest'
import { batchOf, DATA } from '../log/test-support/storage.ts'
import { METADATA_FOLDER, MetadataHarness, newTopic } from '../metadata/test-support/metadata-harness.ts'
import { fileError } from '../platform/file-tree.ts'
import { MemoryFiles } from '../platform/memory-files.ts'
import type { DirectoryEntry, Files, OpenFile } from '../platform/platform.ts'
import { type CheckProgress, checkDirectory } from './check-directory.ts'
import type { Finding } from './finding.ts'

const START_MS = 1_700_000_000_000
const ORDERS = `${DATA}/orders-0`
const SNAPSHOTS = {
  'metadata.log.max.record.bytes.between.snapshots': '2000',
  'metadata.log.max.snapshot.interval.ms': '0',
}
const SEGMENTS = ['0', '4', '8'].map((offset) => `${ORDERS}/${offset.padStart(20, '0')}`)

let files: Files

/** A directory with a topic of three segments, a compacted one, and snapshots of the metadata, cleanly stopped. */
beforeEach(async () => {
  const harness = await MetadataHarness.start({ properties: SNAPSHOTS })
  const { controller, partitions } = harness
  const configs = new Map([['segment.ms', '1000']])
  controller.createTopics([newTopic('orders', { configs }), newTopic('unused', { partitions: 30 })])
  for (let turn = 0; turn < 3; turn++) {
    const records = ['a', 'b', 'c', 'd'].map((value) => ({
      value,
      timestamp: BigInt(START_MS + turn * 10_000),
    }))
    partitions.get('orders', 0)!.append(batchOf(records))
  }
  await harness.stop()
  // The second epoch of the controller writes a snapshot too.
  const again = await MetadataHarness.start({ files: harness.files, properties: SNAPSHOTS })
  again.controller.createTopic(newTopic('more', { partitions: 40 }))
  await again.stop()
  files = harness.files
})

async function check(): Promise<{ findings: Finding[]; totals: CheckProgress }> {
  const walk = checkDirectory(files, DATA)
  const findings: Finding[] = []
  for (;;) {
    const step = await walk.next()
    if (step.done) return { findings, totals: step.value }
    findings.push(step.value)
  }
}

/** What is wrong, as lines without the name of the directory. */
async function problems(): Promise<string[]> {
  const { findings } = await check()
  return findings
    .filter(({ kind }) => kind === 'problem')
    .map(({ path, message }) => `${path.slice(DATA.length)}: ${message.replaceAll(DATA, '')}`)
}

function change(path: string, change: (bytes: Buffer) => Buffer | string): void {
  files.replace(path, change(Buffer.from(files.read(path))))
}

const flip = (at: number) => (bytes: Buffer) => {
  bytes[at < 0 ? bytes.length + at : at]! ^= 0xff
  return bytes
}

function contents(): string[] {
  return files.list(DATA).flatMap(({ name, isDirectory }) => {
    if (!isDirectory) return `${name} ${files.read(`${DATA}/${name}`).toString('hex')}`
    return files
      .list(`${DATA}/${name}`)
      .map((each) => `${name}/${each.name} ${files.read(`${DATA}/${name}/${each.name}`).toString('hex')}`)
  })
}

test('a directory that is as it should be has no problems, and is left as it is', async () => {
  const before = contents()
  const { findings, totals } = await check()
  expect(findings).toEqual([])
  expect(totals).toMatchObject({ partitions: 2, checkedPartitions: 2, segments: 4 })
  expect(totals.records).toBeGreaterThan(12)
  expect(contents()).toEqual(before)
})

describe('what is damaged', () => {
  test('a batch: its checksum', async () => {
    change(`${SEGMENTS[0]}.log`, flip(80))
    expect(await problems()).toEqual([
      '/orders-0/00000000000000000000.log: the checksum of the batch does not fit its bytes',
    ])
  })

  test('a segment that is cut off', async () => {
    change(`${SEGMENTS[1]}.log`, (bytes) => bytes.subarray(0, -10))
    expect((await problems()).join('\n')).toMatch(/^\/orders-0\/00000000000000000004\.log: .* no batches\)/)
  })

  test('a segment that is missing in the middle', async () => {
    for (const suffix of ['log', 'index', 'timeindex']) files.remove(`${SEGMENTS[1]}.${suffix}`)
    expect(await problems()).toEqual([
      '/orders-0/00000000000000000008.log: the offsets 4 to 7 in front of it are missing',
    ])
  })

  test('the last segment is missing: the recovery point tells', async () => {
    for (const suffix of ['log', 'index', 'timeindex']) files.remove(`${SEGMENTS[2]}.${suffix}`)
    expect(await problems()).toContain(
      '/orders-0: recovery-point-offset-checkpoint says 12, and the log ends at 8: records are missing',
    )
  })

  test('an index', async () => {
    change(`${SEGMENTS[0]}.timeindex`, flip(2))
    expect((await problems()).join('\n')).toMatch(/^\/orders-0\/00000000000000000000\.timeindex: /)
  })

  test('a producer snapshot', async () => {
    change(`${SEGMENTS[1]}.snapshot`, flip(4))
    expect((await problems()).join('\n')).toMatch(/^\/orders-0\/00000000000000000004\.snapshot: /)
  })

  test('leader epochs', async () => {
    files.replace(`${ORDERS}/leader-epoch-checkpoint`, '0\n1\n7 0\n')
    expect(await problems()).toEqual([
      '/orders-0/00000000000000000000.log: offset 0 has the leader epoch 0, and leader-epoch-checkpoint says 7',
    ])
    files.replace(`${ORDERS}/leader-epoch-checkpoint`, '0\n2\n0 0\n1 99\n')
    expect(await problems()).toEqual([
      '/orders-0/leader-epoch-checkpoint: epoch 1 begins at 99, and the log ends at 12',
    ])
  })

  test('a checkpoint of the directory', async () => {
    files.replace(`${DATA}/recovery-point-offset-checkpoint`, '0\n3\norders 0 12\n')
    expect((await problems()).join('\n')).toMatch(/^\/recovery-point-offset-checkpoint: /)
  })

  test('partition.metadata', async () => {
    files.replace(`${ORDERS}/partition.metadata`, 'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAw')
    expect((await problems()).join('\n')).toMatch(
      /^\/orders-0\/partition\.metadata: topic_id is A+w, and the metadata says /,
    )
    files.remove(`${ORDERS}/partition.metadata`)
    expect(await problems()).toEqual([
      '/orders-0: there is no partition.metadata: Apache Kafka would take the folder for a stray',
    ])
  })

  test('meta.properties', async () => {
    change(`${DATA}/meta.properties`, (bytes) => bytes.toString().replace(/directory\.id=.*\n/, ''))
    expect(await problems()).toEqual(['/meta.properties: there is no directory.id in it'])
    files.remove(`${DATA}/meta.properties`)
    expect(await problems()).toEqual([': there is no meta.properties'])
  })

  test('a snapshot of the metadata, and the metadata log', async () => {
    const [snapshot] = files.list(METADATA_FOLDER).filter(({ name }) => /^\d+-\d+\.checkpoint$/.test(name))
    change(`${METADATA_FOLDER}/${snapshot!.name}`, flip(-1))
    expect((await problems()).join('\n')).toMatch(
      /\.checkpoint: no start can use it: it is damaged at byte \d+/,
    )
    change(`${METADATA_FOLDER}/${'0'.repeat(20)}.log`, flip(200))
    expect((await problems()).join('\n')).toMatch(
      /00000000000000000000\.log is damaged at byte \d+, offset \d+/,
    )
  })

  test('a folder that is gone', async () => {
    await files.removeDirectory(ORDERS)
    expect(await problems()).toEqual([
      '/orders-0: the folder is missing, and recovery-point-offset-checkpoint says 12',
    ])
  })
})

describe('what may not be read', () => {
  /** Files of which some have another owner. */
  class Guarded extends MemoryFiles {
    closed = ''

    override open(path: string, mode: 'read' | 'write' | 'create'): OpenFile {
      this.#ask(path, 'open')
      return super.open(path, mode)
    }

    override read(path: string): Buffer {
      this.#ask(path, 'open')
      return super.read(path)
    }

    override list(path: string): DirectoryEntry[] {
      this.#ask(path, 'scandir')
      return super.list(path)
    }

    #ask(path: string, call: string): void {
      if (path === this.closed) throw fileError('EACCES', call, path)
    }
  }

  test.each([
    `${SEGMENTS[1]}.log`,
    `${SEGMENTS[2]}.log`,
    `${SEGMENTS[1]}.index`,
    `${SEGMENTS[1]}.snapshot`,
    `${ORDERS}/partition.metadata`,
    `${ORDERS}/leader-epoch-checkpoint`,
    ORDERS,
    `${METADATA_FOLDER}/${'0'.repeat(20)}.log`,
    METADATA_FOLDER,
    `${DATA}/meta.properties`,
    `${DATA}/recovery-point-offset-checkpoint`,
  ])('is told, and all else is checked: %s', async (path) => {
    const guarded = new Guarded()
    const copy = (folder: string) => {
      guarded.makeDirectory(folder)
      for (const { name, isDirectory } of files.list(folder)) {
        if (isDirectory) copy(`${folder}/${name}`)
        else guarded.replace(`${folder}/${name}`, files.read(`${folder}/${name}`))
      }
    }
    copy(DATA)
    guarded.closed = path
    files = guarded
    expect(await problems()).toEqual([`${path.slice(DATA.length)}: no permission to read it`])
  })
})

describe('what is worth a note', () => {
  const notes = async () => {
    const { findings } = await check()
    expect(findings.filter(({ kind }) => kind === 'problem')).toEqual([])
    return findings.map(({ path, message }) => `${path.slice(DATA.length)}: ${message}`)
  }

  test('foreign files and folders, and what a start will do about them', async () => {
    files.replace(`${DATA}/notes.txt`, 'x')
    files.replace(`${ORDERS}/notes.txt`, 'x')
    files.makeDirectory(`${DATA}/gone-0`)
    files.replace(`${DATA}/gone-0/partition.metadata`, 'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAw')
    files.remove(`${SEGMENTS[0]}.index`)
    files.remove(`${DATA}/.kafka_cleanshutdown`)
    expect(new Set(await notes())).toEqual(
      new Set([
        ': there is no .kafka_cleanshutdown: the next start recovers what was written last',
        '/gone-0: the metadata knows no such partition: the next start puts it aside as a stray',
        '/notes.txt: no file of a data directory has such a name',
        '/orders-0/00000000000000000000.log: .index missing: the next start builds them anew',
        '/orders-0/notes.txt: no file of a partition has such a name',
      ]),
    )
  })

  test('a broker that runs may be in the middle of writing', async () => {
    files.remove(`${DATA}/.kafka_cleanshutdown`)
    change(`${SEGMENTS[2]}.log`, (bytes) => bytes.subarray(0, -10))
    for (const suffix of ['index', 'timeindex']) files.remove(`${SEGMENTS[2]}.${suffix}`)
    files.replace(`${DATA}/recovery-point-offset-checkpoint`, '0\n0\n')
    const found: string[] = []
    for await (const { kind, path, message } of checkDirectory(files, DATA, { user: 'process 7' }))
      found.push(`${kind} ${path.slice(DATA.length)}: ${message}`)
    expect(found).toEqual([
      'note : a broker (process 7) is on it: what it has yet to write is not looked for',
      expect.stringMatching(/^note \/orders-0\/0*8\.log: .* it is cut off .*\(perhaps just being written\)$/),
    ])
  })

  test('why Odradek would not start', async () => {
    change(`${DATA}/meta.properties`, (bytes) => bytes.toString().replace(/node\.id=\d+/, 'node.id=7'))
    expect((await notes())[0]).toMatch(
      /^: Odradek would not start on it: .* its controllers are the nodes 1, and this node 7 /,
    )
  })
})
