import { median } from './percentile.ts'

/** One figure of one broker in one round. */
export interface Measurement {
  readonly row: string
  readonly broker: string
  readonly value: number
  readonly unit: 'ms' | 'MB/s' | 'MiB'
  /** What else there is to say, such as which side was the bottleneck. */
  readonly note?: string
}

/** A row of the table: a broker's median of all rounds. */
export interface Row {
  readonly row: string
  readonly unit: Measurement['unit']
  readonly figures: ReadonlyMap<string, { readonly value: number; readonly note: string | undefined }>
}

/** Rows in the order in which they were first measured. */
export function rowsOf(measurements: readonly Measurement[]): Row[] {
  const names = [...new Set(measurements.map(({ row }) => row))]
  return names.map((row) => {
    const ofRow = measurements.filter((each) => each.row === row)
    const figures = new Map(
      ofRow.map(({ broker }) => {
        const ofBroker = ofRow.filter((each) => each.broker === broker)
        const value = median(ofBroker.map((each) => each.value))
        return [broker, { value, note: ofBroker.find((each) => each.value === value)?.note }]
      }),
    )
    return { row, unit: ofRow[0]!.unit, figures }
  })
}

/** How many times better the first broker is than the other: above 1 it is ahead. */
export function advantage(row: Row, first: string, other: string): number | undefined {
  const own = row.figures.get(first)?.value
  const theirs = row.figures.get(other)?.value
  if (own === undefined || theirs === undefined) return undefined
  return row.unit === 'MB/s' ? own / theirs : theirs / own
}

export function markdownTable(rows: readonly Row[], brokers: readonly string[]): string {
  const [first = '', ...others] = brokers
  const ratios = others.map((other) => `${first} : ${other}`)
  const lines = [
    ['', ...brokers, ...ratios],
    ['---', ...brokers.map(() => '---'), ...ratios.map(() => '---:')],
    ...rows.map((row) => [
      row.row,
      ...brokers.map((broker) => cell(row, broker)),
      ...others.map((other) => advantage(row, first, other)?.toFixed(2) ?? '-'),
    ]),
  ]
  return lines.map((columns) => `| ${columns.join(' | ')} |`).join('\n')
}

function cell({ figures, unit }: Row, broker: string): string {
  const figure = figures.get(broker)
  if (figure === undefined) return '-'
  const digits = figure.value < 10 ? 2 : figure.value < 100 ? 1 : 0
  return `${figure.value.toFixed(digits)} ${unit}${figure.note === undefined ? '' : ` (${figure.note})`}`
}
