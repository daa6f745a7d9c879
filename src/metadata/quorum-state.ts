import { replaceFileUnflushed } from '../log/checkpoint-file.ts'
import type { Files } from '../platform/platform.ts'

const FILE = 'quorum-state'

/** Epoch of the last election that `quorum-state` tells of; -1 when the file is missing or damaged, which costs nothing: the log knows it too. */
export function readQuorumEpoch(files: Files, directory: string): number {
  const path = `${directory}/${FILE}`
  if (!files.exists(path)) return -1
  try {
    const state: unknown = JSON.parse(files.read(path).toString('utf8'))
    if (typeof state !== 'object' || state === null || !('leaderEpoch' in state)) return -1
    return typeof state.leaderEpoch === 'number' ? state.leaderEpoch : -1
  } catch {
    return -1
  }
}

/** Writes that this node leads the quorum of one that it is, as Apache Kafka does. */
export function writeQuorumState(
  files: Files,
  directory: string,
  leaderId: number,
  leaderEpoch: number,
): void {
  const state = {
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
