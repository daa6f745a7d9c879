const LINE_FEED = 0x0a

/** A run of complete lines that arrived together. */
export interface LineGroup {
  /** Counted from 1. */
  readonly firstNumber: number
  readonly lines: readonly Buffer[]
}

/** Cuts a byte stream into lines, and gives those that are complete as soon as they are; the last one needs no line end. */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<LineGroup> {
  let firstNumber = 1
  let rest: Buffer[] = []
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(LINE_FEED)
    if (end < 0) {
      rest.push(chunk)
      continue
    }
    const lines = split(Buffer.concat([...rest, chunk.subarray(0, end)]))
    rest = end + 1 < chunk.length ? [chunk.subarray(end + 1)] : []
    yield { firstNumber, lines }
    firstNumber += lines.length
  }
  const last = Buffer.concat(rest)
  if (last.length > 0) yield { firstNumber, lines: [last] }
}

function split(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = []
  let start = 0
  for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
    lines.push(bytes.subarray(start, end))
    start = end + 1
  }
  lines.push(bytes.subarray(start))
  return lines
}
