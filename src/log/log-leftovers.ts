import { lastOffset } from '../protocol/any-batch.ts'
import { BatchScanner } from './batch-scanner.ts'
import type { LogEnvironment } from './log-environment.ts'
import { LogFile } from './open-files.ts'
import { parseSegmentName, type SegmentSuffix, segmentPath } from './segment-names.ts'

/**
 * Ends what a crash interrupted in a partition's folder. Compaction writes `.cleaned` files, renames them to `.swap` when they are
 * complete, removes the segments that they replace and takes the suffix off. So `.cleaned` goes, `.swap` wins, `.deleted` goes.
 */
export function finishSwaps(environment: LogEnvironment, directory: string): void {
  const { files, logger } = environment
  const swapped: { name: string; baseOffset: bigint; suffix: SegmentSuffix }[] = []
  let firstCleaned: bigint | undefined
  for (const { name } of files.list(directory)) {
    const [, stem, ending] = /^(.*)(\.deleted|\.cleaned|\.swap|\.tmp)$/.exec(name) ?? []
    if (stem === undefined) continue
    const parsed = parseSegmentName(stem)
    if (ending === '.swap' && parsed) swapped.push({ name, ...parsed })
    else files.remove(`${directory}/${name}`)
    if (ending === '.cleaned' && parsed && (firstCleaned === undefined || parsed.baseOffset < firstCleaned)) {
      firstCleaned = parsed.baseOffset
    }
  }
  // A group that was still being renamed from `.cleaned` to `.swap` counts as not done: the segments it replaces are all there.
  const isDone = (base: bigint) => firstCleaned === undefined || base < firstCleaned
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
