import { replaceFileUnflushed } from '../log/checkpoint-file.ts'
import type { Logger } from '../platform/logger.ts'
import type { Files } from '../platform/platform.ts'
import { ZERO_UUID } from '../protocol/api.ts'

const FILE = 'quorum-state'
/** An int32, and one more is needed. */
const LARGEST_EPOCH = 2 ** 31 - 1

/** Epoch of the last election that `quorum-state` tells of; -1 when the file is missing or damaged, which costs nothing: the log knows it too. */
export function readQuorumEpoch(files: Files, directory: string, logger: Logger): number {
  const path = `${directory}/${FILE}`
  if (!files.exists(path)) return -1
  const epoch = epochIn(files.read(path).toString('utf8'))
  if (epoch === undefined) logger.warn({ path }, 'quorum-state is damaged, writing it anew')
  return epoch ?? -1
}

/** Undefined when the text is no such file. */
function epochIn(text: string): number | undefined {
  try {
    const state: unknown = JSON.parse(text)
    if (typeof state !== 'object' || state === null || !('leaderEpoch' in state)) return undefined
    const { leaderEpoch } = state
    const isEpoch = typeof leaderEpoch === 'number' && Number.isInteger(leaderEpoch)
    return isEpoch && leaderEpoch >= 0 && leaderEpoch < LARGEST_EPOCH ? leaderEpoch : undefined
  } catch {
    return undefined
  }
}

/** Writes that this node leads the quorum of one that it is, as Apache Kafka does: who votes only as long as it does not stand in the log. */
export function writeQuorumState(
  files: Files,
  directory: string,
  leaderId: number,
  leaderEpoch: number,
  kraftVersion: number,
): void {
  const state =
    kraftVersion > 0
      ? { leaderId, leaderEpoch, votedId: -1, votedDirectoryId: ZERO_UUID, data_version: 1 }
      : {
          clusterId: '',
          leaderId,
          leaderEpoch,
          votedId: -1,
          appliedOffset: 0,
          currentVoters: [{ voterId: leaderId }],
          data_version: 0,
        }
  files.makeDirectory(directory)
  // Not worth waiting for the device: without the file a start learns the epoch from the log.
  replaceFileUnflushed(files, `${directory}/${FILE}`, JSON.stringify(state))
}
