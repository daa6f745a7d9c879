import { BatchScanner } from '../log/batch-scanner.ts'
import { DataDirectoryError } from '../log/data-directory.ts'
import { parseSegmentName } from '../log/segment-names.ts'
import type { Files, OpenFile } from '../platform/platform.ts'
import { isIntact } from '../protocol/any-batch.ts'
import { baseOffset, lastOffset } from '../protocol/record-batch.ts'
import { decodeMetadataBatch, type MetadataBatch } from './metadata-record.ts'

const CHUNK_BYTES = 1024 * 1024

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

/**
 * Reads a metadata log from `from` on without changing anything, so that a start can still be refused and leave all as it was. After a
 * crash the last batch may be torn: the log ends in front of it. Throws `DataDirectoryError` for any other damage.
 */
export function readMetadataLog(
  files: Files,
  folder: string,
  from: bigint,
  wasCleanShutdown: boolean,
  take: (batch: MetadataBatch) => void,
): ReadLog {
  const segments = segmentsOf(files, folder)
  const holding = segments.findLastIndex((segment) => segment.baseOffset <= from)
  let next: bigint | undefined
  let torn: string | undefined
  for (const { path, baseOffset: base } of segments.slice(Math.max(0, holding))) {
    if (torn !== undefined) throw new DataDirectoryError(`${torn}, and segments follow`)
    if (next !== undefined && next !== base) {
      throw new DataDirectoryError(
        `${folder} lacks the offsets ${next} to ${base - 1n}: a segment is missing or cut`,
      )
    }
    const end = readSegment(files, path, base, from, take)
    next = end.nextOffset
    if (end.damage === undefined) continue
    // What a crash tore is the last thing that was written.
    if (wasCleanShutdown || end.goesOn) throw new DataDirectoryError(end.damage)
    torn = end.damage
  }
  return { startOffset: segments[0]?.baseOffset, endOffset: next === undefined || next < from ? from : next }
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
  /** What is wrong behind the last batch that could be read. */
  readonly damage: string | undefined
  /** Whole batches follow behind it all the same. */
  readonly goesOn: boolean
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
    const size = file.size()
    const scanner = new BatchScanner(file, size, true)
    let nextOffset = base
    let end = 0
    for (let found = scanner.moveTo(0); found; found = scanner.next()) {
      const { bytes, at } = scanner
      if (!isIntact(bytes, at) || baseOffset(bytes, at) !== nextOffset) break
      nextOffset = lastOffset(bytes, at) + 1n
      end = scanner.position + scanner.size
      // A copy: the scanner reads on into the same memory, and who replays keeps parts of what it gets.
      if (nextOffset > from) take(decodeMetadataBatch(Buffer.from(bytes.subarray(at, at + scanner.size))))
    }
    if (isZeroFrom(file, end)) return { nextOffset, damage: undefined, goesOn: false }
    const damage = `${path} is damaged at byte ${end}, offset ${nextOffset} (odradek check tells more)`
    return { nextOffset, damage, goesOn: scanner.size > 0 && goesOn(scanner, nextOffset) }
  } finally {
    file.close()
  }
}

/** Are there whole batches behind the one that cannot be read? */
function goesOn(scanner: BatchScanner, nextOffset: bigint): boolean {
  for (let found = scanner.next(); found; found = scanner.next()) {
    if (isIntact(scanner.bytes, scanner.at) && baseOffset(scanner.bytes, scanner.at) > nextOffset) return true
  }
  return false
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
