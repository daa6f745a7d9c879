/** Rows under a header as aligned columns; numbers are aligned to the right. */
export function table(header: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = [header, ...rows].map((row) => row.map((cell) => String(cell ?? '-')))
  const isNumeric = header.map((_, column) =>
    rows.every((row) => ['number', 'bigint', 'undefined'].includes(typeof row[column])),
  )
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)))
  const lines = cells.map((row) =>
    row
      .map((cell, column) =>
        isNumeric[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n`
}

/** A value as one line of JSON; bigints as numbers. */
export function jsonLine(value: unknown): string {
  const text = JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'bigint' ? rawNumber(each) : each,
  )
  return `${text}\n`
}

/** Offsets beyond 2^53 do not occur in practice; should one, its text says it exactly. */
function rawNumber(value: bigint): number | string {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
}
