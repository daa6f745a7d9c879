import { BatchScanner } from '../log/batch-scanner.ts'
import { DataDirectoryError } from '../log/data-directory.ts'
import { parseSegmentName } from '../log/segment-names.ts'
import type { Files, OpenFile } from '../platform/platform.ts'
import { isIntact } from '../protocol/any-batch.ts'
import { baseOffset, lastOffset, maxTimestamp } from '../protocol/record-batch.ts'
import { decodeMetadataBatch, type MetadataBatch } from './metadata-record.ts'

const CHUNK_BYTES = 1024 * 1024
/** The log is flushed at each change: what is older by far than the last one a crash cannot have taken. */
const SURELY_FLUSHED_MS = 60_000n

/** What was read of a metadata log. */
export interface ReadLog {
  /** Offset of its first record; undefined when there is no segment. */
  readonly startOffset: bigint | undefined
  /** Offset behind its last record, or where reading would have begun. */
  readonly endOffset: bigint
}

/** Offset of the first record that the segments of a folder can hold; undefined when there is none. */
export function firstSegmentOffset(files: Files, folder: string): bigint | undefined {
  return segmentsOf(files, folder)[0]?.baseOffset
}

/** Where a metadata log ended when it was closed, by the snapshot of its producers (there are none); undefined when nothing tells. */
export function closedOffset(files: Files, folder: string): bigint | undefined {
  if (!files.exists(folder)) return undefined
  let newest: bigint | undefined
  for (const { name } of files.list(folder)) {
    const parsed = parseSegmentName(name)
    if (parsed?.suffix !== '.snapshot') continue
    if (newest === undefined || parsed.baseOffset > newest) newest = parsed.baseOffset
  }
  return newest
}

/**
 * Reads a metadata log from `from` on without changing anything, so that a start can still be refused and leave all as it was. What was
 * written last a crash may have torn or lost: the log ends in front of it. Throws `DataDirectoryError` for any other damage.
 */
export function readMetadataLog(
  files: Files,
  folder: string,
  from: bigint,
  wasCleanShutdown: boolean,
  take: (batch: MetadataBatch) => void,
): ReadLog {
  const segments = segmentsOf(files, folder)
  const rest = segments.slice(
    Math.max(
      0,
      segments.findLastIndex(({ baseOffset: base }) => base <= from),
    ),
  )
  let next = rest[0]?.baseOffset ?? from
  for (const [index, { path, baseOffset: base }] of rest.entries()) {
    const isMissing = next !== base
    const end = isMissing
      ? { nextOffset: next, position: 0, isWhole: false }
      : readSegment(files, path, base, from, take)
    next = end.nextOffset
    if (end.isWhole) continue
    const behind = spanBehind(files, rest.slice(index), end.position)
    // What is so much older than the last of all was on the device when it came.
    if (!wasCleanShutdown && (behind === undefined || behind.last - behind.first < SURELY_FLUSHED_MS)) break
    throw new DataDirectoryError(
      isMissing
        ? `${folder} lacks the offsets ${next} to ${base - 1n}: a segment is missing or cut (odradek check tells more)`
        : `${path} is damaged at byte ${end.position}, offset ${next} (odradek check tells more)`,
    )
  }
  return { startOffset: segments[0]?.baseOffset, endOffset: next < from ? from : next }
}

interface SegmentFile {
  readonly path: string
  readonly baseOffset: bigint
}

function segmentsOf(files: Files, folder: string): SegmentFile[] {
  if (!files.exists(folder)) return []
  return files
    .list(folder)
    .flatMap(({ name }) => {
      const parsed = parseSegmentName(name)
      return parsed?.suffix === '.log' ? [{ path: `${folder}/${name}`, baseOffset: parsed.baseOffset }] : []
    })
    .sort((a, b) => (a.baseOffset < b.baseOffset ? -1 : 1))
}

interface SegmentEnd {
  readonly nextOffset: bigint
  /** Behind the last batch that could be read. */
  readonly position: number
  /** Nothing else follows. */
  readonly isWhole: boolean
}

function readSegment(
  files: Files,
  path: string,
  base: bigint,
  from: bigint,
  take: (batch: MetadataBatch) => void,
): SegmentEnd {
  const file = files.open(path, 'read')
  try {
    const scanner = new BatchScanner(file, file.size(), true)
    let nextOffset = base
    let position = 0
    for (let found = scanner.moveTo(0); found; found = scanner.next()) {
      const { bytes, at } = scanner
      if (!isIntact(bytes, at) || baseOffset(bytes, at) !== nextOffset) break
      nextOffset = lastOffset(bytes, at) + 1n
      position = scanner.position + scanner.size
      // A copy: the scanner reads on into the same memory, and who replays keeps parts of what it gets.
      if (nextOffset > from) take(decodeMetadataBatch(Buffer.from(bytes.subarray(at, at + scanner.size))))
    }
    return { nextOffset, position, isWhole: isZeroFrom(file, position) }
  } finally {
    file.close()
  }
}

/** Times of the first and the last batch that are whole behind what cannot be read; undefined when there is none. */
function spanBehind(
  files: Files,
  segments: readonly SegmentFile[],
  position: number,
): { first: bigint; last: bigint } | undefined {
  let span: { first: bigint; last: bigint } | undefined
  for (const [index, { path }] of segments.entries()) {
    const file = files.open(path, 'read')
    try {
      const scanner = new BatchScanner(file, file.size(), true)
      for (let found = scanner.moveTo(index === 0 ? position : 0); found; found = scanner.next()) {
        if (!isIntact(scanner.bytes, scanner.at)) continue
        const time = maxTimestamp(scanner.bytes, scanner.at)
        span = { first: span?.first ?? time, last: time }
      }
    } finally {
      file.close()
    }
  }
  return span
}

/** Is there nothing but space that was allocated beforehand? */
function isZeroFrom(file: OpenFile, from: number): boolean {
  const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, file.size() - from))
  for (let at = from; at < file.size(); ) {
    const count = file.readSync(chunk, at)
    if (chunk.subarray(0, count).some((byte) => byte !== 0)) return false
    at += count
  }
  return true
}
