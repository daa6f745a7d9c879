import { describe, expect, test } from 'vitest'
import { SimulatedFiles } from './simulated-files.ts'
import { SimulatedRandom } from './simulated-random.ts'

/** What is left of a file when power is lost, over many seeds; undefined for no file. */
function outcomes(
  prepare: (files: SimulatedFiles) => void,
  path = '/a',
  hasJournal = true,
): Set<string | undefined> {
  const found = new Set<string | undefined>()
  for (let seed = 0; seed < 200; seed++) {
    const files = new SimulatedFiles(new SimulatedRandom(seed))
    files.hasJournal = hasJournal
    prepare(files)
    files.losePower()
    found.add(files.exists(path) ? files.read(path).toString('latin1').replaceAll('\0', '.') : undefined)
  }
  return found
}

function write(files: SimulatedFiles, path: string, text: string, isFlushed = false, position = 0): void {
  const file = files.open(path, 'create')
  file.write([Buffer.from(text)], position)
  if (isFlushed) file.flushSync()
  file.close()
}

describe('a loss of power', () => {
  test('keeps what was flushed, and the names that came before', () => {
    expect(outcomes((files) => write(files, '/a', 'flushed', true))).toEqual(new Set(['flushed']))
    const renamed = (files: SimulatedFiles) => {
      write(files, '/b', 'other', true)
      files.rename('/b', '/a')
      write(files, '/c', '', true)
    }
    expect(outcomes(renamed)).toEqual(new Set(['other']))
    expect(outcomes((files) => files.replace('/a', 'x'))).toEqual(new Set(['x']))
  })

  test('without a journal keeps only names whose folder was flushed', () => {
    const flushed = (files: SimulatedFiles) => write(files, '/a', 'flushed', true)
    expect(outcomes(flushed, '/a', false)).toEqual(new Set([undefined, 'flushed']))
    const withFolder = (files: SimulatedFiles) => {
      flushed(files)
      files.flushDirectorySync('/')
    }
    expect(outcomes(withFolder, '/a', false)).toEqual(new Set(['flushed']))
    expect(outcomes((files) => files.replace('/a', 'x'), '/a', false)).toEqual(new Set(['x']))
  })

  test('without a journal may undo a rename and a removal', () => {
    const renamed = (files: SimulatedFiles) => {
      write(files, '/a', 'old', true)
      write(files, '/b', 'new', true)
      files.flushDirectorySync('/')
      files.rename('/b', '/a')
    }
    expect(outcomes(renamed, '/a', false)).toEqual(new Set(['old', 'new']))
    expect(outcomes(renamed, '/b', false)).toEqual(new Set([undefined, 'new']))
    const removed = (files: SimulatedFiles) => {
      write(files, '/a', 'x', true)
      files.flushDirectorySync('/')
      files.remove('/a')
    }
    expect(outcomes(removed, '/a', false)).toEqual(new Set([undefined, 'x']))
  })

  test('without a journal folders lose names each for itself, and a lost folder all that is in it', () => {
    const found = new Set<string>()
    for (let seed = 0; seed < 200; seed++) {
      const files = new SimulatedFiles(new SimulatedRandom(seed))
      files.hasJournal = false
      files.makeDirectory('/x/y')
      files.flushDirectorySync('/')
      write(files, '/x/y/a', 'a', true)
      files.flushDirectorySync('/x/y')
      write(files, '/b', 'b')
      files.losePower()
      const there = (path: string) => (files.exists(path) ? path : '')
      found.add([there('/x/y'), there('/x/y/a'), there('/b')].join(' '))
    }
    expect(found).toEqual(new Set(['  ', '  /b', '/x/y /x/y/a ', '/x/y /x/y/a /b']))
  })

  test('a folder takes its names along, whatever it is called', () => {
    for (let seed = 0; seed < 50; seed++) {
      const files = new SimulatedFiles(new SimulatedRandom(seed))
      files.hasJournal = false
      files.makeDirectory('/x')
      write(files, '/x/a', 'a', true)
      files.rename('/x', '/y')
      files.flushDirectorySync('/y')
      files.flushDirectorySync('/')
      files.losePower()
      expect([files.exists('/x'), files.read('/y/a').toString()]).toEqual([false, 'a'])
    }
  })

  test('may keep a name and lose its bytes', () => {
    expect(outcomes((files) => write(files, '/a', 'text'))).toEqual(new Set([undefined, '', 'text']))
  })

  test('loses the end of the journal, never its middle', () => {
    for (let seed = 0; seed < 100; seed++) {
      const files = new SimulatedFiles(new SimulatedRandom(seed))
      for (const name of ['/1', '/2', '/3', '/4']) write(files, name, 'x')
      files.losePower()
      const there = ['/1', '/2', '/3', '/4'].map((name) => files.exists(name))
      expect(there).toEqual(there.toSorted((a, b) => Number(b) - Number(a)))
    }
  })

  test('reorders writes, and tears them at sectors', () => {
    const found = outcomes((files) => {
      write(files, '/a', '', true)
      write(files, '/a', 'a'.repeat(512))
      write(files, '/a', 'b'.repeat(1024), false, 512)
    })
    const a = 'a'.repeat(512)
    const b = 'b'.repeat(512)
    const hole = '.'.repeat(512)
    expect(found).toEqual(new Set(['', a, a + b, a + b + b, hole + b, hole + b + b]))
  })

  test('flushes that had not ended are worth nothing', async () => {
    const files = new SimulatedFiles(new SimulatedRandom(5))
    const waiting: (() => void)[] = []
    files.complete = (task) => waiting.push(task)
    const file = files.open('/a', 'create')
    file.write([Buffer.from('before')], 0)
    let isFlushed = false
    const flushed = file.flush().then(() => {
      isFlushed = true
    })
    file.write([Buffer.from('behind')], 6)
    await Promise.resolve()
    expect(isFlushed).toBe(false)
    waiting[0]!()
    await flushed
    files.losePower()
    expect(files.read('/a').toString()).toMatch(/^before/)
  })

  test('the end of a process alone loses nothing and frees its lock', () => {
    const files = new SimulatedFiles()
    files.lock('/.lock')
    write(files, '/a', 'text')
    files.endProcess()
    files.lock('/.lock')
    expect(files.read('/a').toString()).toBe('text')
  })
})

describe('faults', () => {
  test('the n-th call fails, with the code that was asked for, and the ones behind it are done', () => {
    const files = new SimulatedFiles()
    const file = files.open('/a', 'create')
    files.failAt(2, { count: 1, code: 'ENOSPC' })
    file.write([Buffer.from('one')], 0)
    expect(() => file.write([Buffer.from('two')], 3)).toThrow(expect.objectContaining({ code: 'ENOSPC' }))
    file.write([Buffer.from('three')], 3)
    expect(files.read('/a').toString()).toBe('onethree')
    expect(files.faults.calls).toEqual(['open create a', 'write a', 'write a', 'write a'])
  })

  test('a torn write leaves half', () => {
    const files = new SimulatedFiles()
    const file = files.open('/a', 'create')
    files.failAt(1, { isTorn: true })
    expect(() => file.write([Buffer.from('abcd')], 0)).toThrow(expect.objectContaining({ code: 'EIO' }))
    expect(files.read('/a').toString()).toBe('ab')
  })

  test('a full disk takes what fits, and more again when there is room', () => {
    const files = new SimulatedFiles()
    write(files, '/old', 'x'.repeat(60))
    files.capacityBytes = 100
    const file = files.open('/a', 'create')
    expect(() => file.write([Buffer.alloc(50)], 0)).toThrow(expect.objectContaining({ code: 'ENOSPC' }))
    expect(file.size()).toBe(40)
    expect(files.space()).toEqual({ totalBytes: 100, usableBytes: 0 })
    // What is there can be written over.
    file.write([Buffer.alloc(40)], 0)
    files.remove('/old')
    file.write([Buffer.alloc(50)], 0)
    expect(files.usedBytes).toBe(50)
  })

  test('too many open files', () => {
    const files = new SimulatedFiles()
    files.openLimit = 1
    const file = files.open('/a', 'create')
    expect(() => files.open('/a', 'read')).toThrow(expect.objectContaining({ code: 'EMFILE' }))
    file.close()
    files.open('/a', 'read').close()
  })
})
