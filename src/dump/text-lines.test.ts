import { expect, test } from 'vitest'
import { MemoryFiles } from '../platform/memory-files.ts'
import { FileWindow } from './file-window.ts'
import { linesOf } from './text-lines.ts'

function lines(text: string, chunkBytes: number): string[] {
  const files = new MemoryFiles()
  files.replace('/f', text)
  return [...linesOf(new FileWindow(files.open('/f', 'read'), chunkBytes))]
}

test.each([1, 2, 3, 7, 1000])('lines are the same whatever is read at once: %i bytes', (chunkBytes) => {
  expect(lines('0\n2\nähre 0 5\n\nt 1 6\n', chunkBytes)).toEqual(['0', '2', 'ähre 0 5', '', 't 1 6'])
  expect(lines('no end', chunkBytes)).toEqual(['no end'])
  expect(lines('', chunkBytes)).toEqual([])
})

test('of a line that is too long only the beginning is kept', () => {
  const [long, next] = lines(`${'x'.repeat(1_000_000)}\ny`, 1000)
  expect(long).toHaveLength(4096)
  expect(next).toBe('y')
})
