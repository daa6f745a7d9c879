import type { FileWindow } from './file-window.ts'

/** No line of a checkpoint is nearly as long; of one that is, only the beginning is given. */
const LONGEST_LINE_BYTES = 4096
const LINE_FEED = 0x0a

/** The lines of a text file of any size, one at a time, without their ends. What follows the last line end is a line if there is something. */
export function* linesOf(window: FileWindow): Generator<string> {
  let pending: Buffer[] = []
  let pendingBytes = 0
  const take = (bytes: Buffer) => {
    const kept = bytes.subarray(0, Math.max(0, LONGEST_LINE_BYTES - pendingBytes))
    // A copy: the window reads on into the same memory.
    if (kept.length > 0) pending.push(Buffer.from(kept))
    pendingBytes += kept.length
  }
  const line = () => {
    const text = Buffer.concat(pending).toString('utf8')
    pending = []
    pendingBytes = 0
    return text
  }
  for (const chunk of window.chunks(0, window.size)) {
    let from = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      take(chunk.subarray(from, end))
      from = end + 1
      yield line()
    }
    take(chunk.subarray(from))
  }
  if (pendingBytes > 0) yield line()
}
