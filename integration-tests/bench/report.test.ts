import { expect, test } from 'vitest'
import { markdownTable, rowsOf } from './report.ts'

const measured = (row: string, broker: string, value: number, unit: 'ms' | 'MB/s', note?: string) => ({
  row,
  broker,
  value,
  unit,
  ...(note === undefined ? {} : { note }),
})

test('the median of the rounds counts, with its note, and a ratio above 1 is ahead for times and rates alike', () => {
  const rows = rowsOf([
    measured('start', 'odradek', 100, 'ms'),
    measured('start', 'kafka', 2000, 'ms'),
    measured('produce', 'odradek', 300, 'MB/s', 'first'),
    measured('produce', 'odradek', 900, 'MB/s', 'best'),
    measured('produce', 'odradek', 600, 'MB/s', 'middle'),
    measured('produce', 'kafka', 400, 'MB/s'),
  ])
  expect(markdownTable(rows, ['odradek', 'kafka'])).toBe(
    [
      '|  | odradek | kafka | odradek : kafka |',
      '| --- | --- | --- | ---: |',
      '| start | 100 ms | 2000 ms | 20.00 |',
      '| produce | 600 MB/s (middle) | 400 MB/s | 1.50 |',
    ].join('\n'),
  )
})

test('a broker that did not take part in a row has no figure there', () => {
  const rows = rowsOf([measured('embedded', 'odradek', 8.123, 'ms')])
  expect(markdownTable(rows, ['odradek', 'kafka']).split('\n').at(-1)).toBe('| embedded | 8.12 ms | - | - |')
})
