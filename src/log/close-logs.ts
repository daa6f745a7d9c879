import type { Logger } from '../platform/logger.ts'
import type { Clock, Timer } from '../platform/platform.ts'
import type { SegmentedLog } from './segmented-log.ts'

/** So many logs are closed at a time: each has up to four files open while it is flushed, and the process may open only so many. */
const CLOSED_TOGETHER = 32
/** A stop that has to flush thousands of logs says so often how far it is. */
const PROGRESS_MS = 2000

/** Flushes and closes every log, also when one cannot be: then what went wrong first is thrown at the end. */
export async function closeLogs(logs: readonly SegmentedLog[], clock: Clock, logger: Logger): Promise<void> {
  const failures: unknown[] = []
  const queue = logs.values()
  let flushed = 0
  const closeNext = async (): Promise<void> => {
    // All of them take from the same queue.
    for (const log of queue) {
      await log.close().catch((error: unknown) => failures.push(error))
      flushed++
    }
  }
  let timer: Timer
  const arm = () => {
    timer = clock.schedule(PROGRESS_MS, () => {
      logger.warn({ flushed, logs: logs.length }, 'stopping takes a while: logs are being flushed')
      arm()
    })
  }
  arm()
  await Promise.all(Array.from({ length: CLOSED_TOGETHER }, closeNext))
  timer!.cancel()
  if (failures.length > 0) throw failures[0]
}
