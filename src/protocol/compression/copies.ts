/** Longer pieces are left to native code: to call it takes as long as to copy so many bytes. */
const LONGEST_OWN_COPY = 64

/** Pieces are copied sixteen bytes at a time, so that many bytes behind one may change. */
export const SLACK_BYTES = 15

/**
 * Memory that a codec works in. What goes in lies there too, behind the room for what comes out, and behind each of them is some slack: to
 * copy within one memory takes a third of the time, and to copy too much even less than to count.
 */
export interface CodecMemory {
  readonly bytes: Buffer
  readonly view: DataView
}

export function codecMemory(bytes: Buffer): CodecMemory {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }
}

/** Copies a piece to where it does not overlap itself. */
export function copyPiece(bytes: Buffer, view: DataView, from: number, at: number, count: number): void {
  if (count > LONGEST_OWN_COPY) bytes.copyWithin(at, from, from + count)
  else for (let index = 0; index < count; index += 16) copySixteen(view, from + index, at + index)
}

/** Copies what lies `distance` before; where that overlaps it repeats. */
export function repeatPiece(
  bytes: Buffer,
  view: DataView,
  at: number,
  distance: number,
  count: number,
): void {
  const end = at + count
  if (count > LONGEST_OWN_COPY && distance >= count) bytes.copyWithin(at, at - distance, end - distance)
  else if (distance >= 4) for (let to = at; to < end; to += 16) copySixteen(view, to - distance, to)
  else if (distance === 1) bytes.fill(bytes[at - 1]!, at, end)
  else for (let to = at; to < end; to++) bytes[to] = bytes[to - distance]!
}

/** From front to back: what the first words become the later ones may read. */
function copySixteen(view: DataView, from: number, at: number): void {
  view.setInt32(at, view.getInt32(from, true), true)
  view.setInt32(at + 4, view.getInt32(from + 4, true), true)
  view.setInt32(at + 8, view.getInt32(from + 8, true), true)
  view.setInt32(at + 12, view.getInt32(from + 12, true), true)
}
