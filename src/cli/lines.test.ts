import { expect, test } from 'vitest'
import { type LineGroup, readLines } from './lines.ts'

async function linesOf(...chunks: string[]): Promise<[number, string[]][]> {
  const groups: LineGroup[] = []
  const source = (async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk, 'latin1')
  })()
  for await (const group of readLines(source)) groups.push(group)
  return groups.map(({ firstNumber, lines }) => [firstNumber, lines.map((line) => line.toString('latin1'))])
}

test('lines are given as soon as they are complete, and counted', async () => {
  expect(await linesOf('a\nb', 'c', 'd\n\ne\n', 'f')).toEqual([
    [1, ['a']],
    [2, ['bcd', '', 'e']],
    [5, ['f']],
  ])
})

test('a last line with its end is no empty line, and no input is no line', async () => {
  expect(await linesOf('a\n')).toEqual([[1, ['a']]])
  expect(await linesOf()).toEqual([])
})
