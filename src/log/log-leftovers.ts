import { isIntact, lastOffset } from '../protocol/any-batch.ts'
import { BatchScanner } from './batch-scanner.ts'
import type { LogEnvironment } from './log-environment.ts'
import { LogFile } from './open-files.ts'
import { parseSegmentName, type SegmentSuffix, segmentPath } from './segment-names.ts'
import { DamagedLogError } from './storage-error.ts'

/** Small files that are written beside their place first. Whatever else has such an ending is somebody else's. */
const REPLACED: ReadonlySet<string> = new Set([
  'leader-epoch-checkpoint',
  'partition.metadata',
  'quorum-state',
])

/**
 * Ends what a crash interrupted in a partition's folder. Compaction writes `.cleaned` files, renames them to `.swap` when they are
 * complete, removes the segments that they replace and takes the suffix off. So `.cleaned` goes, `.swap` wins, `.deleted` goes. Throws
 * `DamagedLogError`, and has changed nothing, for a `.swap` that is damaged.
 */
export function finishSwaps(environment: LogEnvironment, directory: string): void {
  const { files, logger } = environment
  const swapped: { name: string; baseOffset: bigint; suffix: SegmentSuffix }[] = []
  const unwanted: string[] = []
  let firstCleaned: bigint | undefined
  for (const { name, isDirectory } of files.list(directory)) {
    const [, stem, ending] = /^(.*)(\.deleted|\.cleaned|\.swap|\.tmp)$/.exec(name) ?? []
    if (stem === undefined || isDirectory) continue
    const parsed = parseSegmentName(stem)
    if (!parsed && !REPLACED.has(stem)) continue
    if (ending === '.swap' && parsed) swapped.push({ name, ...parsed })
    else unwanted.push(name)
    if (ending === '.cleaned' && parsed && (firstCleaned === undefined || parsed.baseOffset < firstCleaned)) {
      firstCleaned = parsed.baseOffset
    }
  }
  const needless = new Set<bigint>()
  for (const { name, baseOffset, suffix } of swapped) {
    if (suffix === '.log' && isNeedless(environment, directory, name, baseOffset)) needless.add(baseOffset)
  }
  // A group that was still being renamed from `.cleaned` to `.swap` counts as not done: the segments it replaces are all there.
  const isDone = (base: bigint) => !needless.has(base) && (firstCleaned === undefined || base < firstCleaned)
  for (const { name, baseOffset, suffix } of swapped) {
    if (suffix === '.log' && isDone(baseOffset)) checkSwap(environment, `${directory}/${name}`)
  }
  for (const name of unwanted) files.remove(`${directory}/${name}`)
  for (const { name, baseOffset } of swapped) {
    if (!isDone(baseOffset)) files.remove(`${directory}/${name}`)
  }
  const done = swapped.filter(({ baseOffset }) => isDone(baseOffset))
  for (const { name, baseOffset, suffix } of done) {
    if (suffix === '.log') removeReplaced(environment, directory, name, baseOffset)
  }
  for (const { name, baseOffset, suffix } of done) {
    files.rename(`${directory}/${name}`, segmentPath(directory, baseOffset, suffix))
  }
  if (done.length > 0)
    logger.info({ directory, files: done.length }, 'finished a compaction that a crash interrupted')
}

/** One that holds nothing, while all that it would replace is still there: that can stay, and is compacted once more. */
function isNeedless(
  { files, openFiles }: LogEnvironment,
  directory: string,
  name: string,
  base: bigint,
): boolean {
  const file = new LogFile(openFiles, `${directory}/${name}`)
  const isEmpty = file.size() === 0
  file.close()
  return isEmpty && files.exists(segmentPath(directory, base, '.log'))
}

/** What takes the place of other segments has to be whole. A crash leaves no other: it was on the device before it got its name. */
function checkSwap({ openFiles }: LogEnvironment, path: string): void {
  const file = new LogFile(openFiles, path)
  const size = file.size()
  let end = 0
  const scanner = new BatchScanner(file, size, true)
  for (let found = scanner.moveTo(0); found; found = scanner.next()) {
    if (!isIntact(scanner.bytes, scanner.at)) break
    end = scanner.position + scanner.size
  }
  file.close()
  if (end === size) return
  const problem = `${path} is damaged at byte ${end}, and cannot take the place of what was compacted; both are left as they are (odradek check tells more)`
  throw new DamagedLogError(problem)
}

/** Removes the segments whose records a swapped one holds now. */
function removeReplaced(environment: LogEnvironment, directory: string, name: string, base: bigint): void {
  const { files, openFiles } = environment
  const file = new LogFile(openFiles, `${directory}/${name}`)
  let next = base
  const scanner = new BatchScanner(file, file.size())
  for (let found = scanner.moveTo(0); found; found = scanner.next()) {
    next = lastOffset(scanner.bytes, scanner.at) + 1n
  }
  file.close()
  for (const entry of files.list(directory)) {
    const parsed = parseSegmentName(entry.name)
    if (!parsed || parsed.suffix === '.snapshot' || parsed.baseOffset < base) continue
    if (parsed.baseOffset === base || parsed.baseOffset < next) files.remove(`${directory}/${entry.name}`)
  }
}
