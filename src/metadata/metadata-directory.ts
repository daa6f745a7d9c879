import { type DataDirectory, DataDirectoryError } from '../log/data-directory.ts'
import { parsePartitionDirectoryName } from '../log/segment-names.ts'
import type { Logger } from '../platform/logger.ts'
import type { Files } from '../platform/platform.ts'
import { readBootstrap } from './bootstrap.ts'
import { CarryOver } from './carry-over.ts'
import type { MetadataImage } from './metadata-image.ts'
import { closedOffset, firstSegmentOffset, readMetadataLog } from './metadata-log-file.ts'
import type { MetadataBatch } from './metadata-record.ts'
import { listSnapshots, readSnapshot } from './metadata-snapshot.ts'

export interface MetadataDirectoryRequest {
  readonly directory: DataDirectory
  /** Of the metadata log. */
  readonly folder: string
  /** Takes the batches in, by what `take` does. */
  readonly image: MetadataImage
  readonly nodeId: number
  readonly logger: Logger
}

/** What a start goes on from. */
export interface LoadedMetadata {
  /** Offset of the next record. */
  readonly endOffset: bigint
  /** What whoever formatted the directory wants a new cluster to begin with; empty when it has been founded. */
  readonly bootstrap: readonly MetadataBatch[]
}

/**
 * Hands over the newest snapshot and what the log says behind it, without changing anything. Throws `DataDirectoryError` when something is missing or damaged, or cannot be taken up here; the directory is as it was then.
 */
export function readMetadataDirectory(
  { directory, folder, image, nodeId, logger }: MetadataDirectoryRequest,
  take: (batch: MetadataBatch) => void,
): LoadedMetadata {
  const { files, wasCleanShutdown } = directory
  const carryOver = new CarryOver({ directory, nodeId })
  const takeChecked = (batch: MetadataBatch) => {
    carryOver.look(batch)
    take(batch)
  }
  const startOffset = firstSegmentOffset(files, folder)
  const snapshot = files.exists(folder) ? newestSnapshot(files, folder, startOffset ?? 0n, logger) : undefined
  for (const batch of snapshot?.batches ?? []) takeChecked(batch)
  const from = snapshot?.endOffset ?? 0n
  if (startOffset !== undefined && startOffset > from) {
    throw new DataDirectoryError(
      `${folder} begins at offset ${startOffset}, and no snapshot holds what was before`,
    )
  }
  if (startOffset === undefined && snapshot === undefined && !directory.isNew)
    refuseWithoutMetadata(directory, folder)
  const { endOffset } = readMetadataLog(files, folder, from, wasCleanShutdown, takeChecked)
  if (wasCleanShutdown) refuseShortLog(files, folder, endOffset)
  const bootstrap = image.features.size === 0 ? readBootstrap(directory) : []
  for (const batch of bootstrap) carryOver.look(batch)
  carryOver.check(image)
  carryOver.checkFeatures(bootstrap)
  return { endOffset, bootstrap }
}

/** Closing a log leaves a snapshot of its producers at its end: what was cut off in front of that is missing. */
function refuseShortLog(files: Files, folder: string, endOffset: bigint): void {
  const closedAt = closedOffset(files, folder)
  if (closedAt === undefined || closedAt <= endOffset) return
  throw new DataDirectoryError(
    `${folder} lacks the offsets ${endOffset} to ${closedAt - 1n}, which were there when it was closed: put them back from a copy`,
  )
}

/** The newest one that is whole. One that is damaged is passed over as long as the log or an older one tells the same. */
function newestSnapshot(
  files: Files,
  folder: string,
  startOffset: bigint,
  logger: Logger,
): { endOffset: bigint; batches: readonly MetadataBatch[] } | undefined {
  const problems: string[] = []
  for (const file of listSnapshots(files, folder).reverse()) {
    if (file.endOffset < startOffset) break
    try {
      const batches = readSnapshot(files, file)
      for (const problem of problems) logger.warn({ problem }, 'A snapshot of the metadata cannot be used')
      return { endOffset: file.endOffset, batches }
    } catch (error) {
      if (!(error instanceof DataDirectoryError)) throw error
      problems.push(error.message)
    }
  }
  if (problems.length === 0) return undefined
  if (startOffset > 0n) {
    throw new DataDirectoryError(`${problems[0]}, and the log begins at offset ${startOffset} only`)
  }
  for (const problem of problems) logger.warn({ problem }, 'A snapshot of the metadata cannot be used')
  return undefined
}

/** Partitions without metadata: whatever was founded over them would put them aside. */
function refuseWithoutMetadata({ files, path }: DataDirectory, folder: string): void {
  const found = files
    .list(path)
    .find(
      ({ name, isDirectory }) =>
        isDirectory && parsePartitionDirectoryName(name) && !folder.endsWith(`/${name}`),
    )
  if (!found) return
  throw new DataDirectoryError(
    `${folder} has no log, but there is a partition's folder ${found.name}: the metadata was lost, or is kept elsewhere (metadata.log.dir)`,
  )
}
