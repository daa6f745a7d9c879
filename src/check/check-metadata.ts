import { DataDirectoryError } from '../log/data-directory.ts'
import { isFileError } from '../log/storage-error.ts'
import { CarryOver } from '../metadata/carry-over.ts'
import { MetadataImage } from '../metadata/metadata-image.ts'
import { closedOffset, firstSegmentOffset, readMetadataLog } from '../metadata/metadata-log-file.ts'
import type { MetadataBatch } from '../metadata/metadata-record.ts'
import { listSnapshots, readSnapshot } from '../metadata/metadata-snapshot.ts'
import type { Files } from '../platform/platform.ts'
import { type Finding, note, problem } from './finding.ts'

const METADATA_FOLDER = '__cluster_metadata-0'

/** Who the directory belongs to, by `meta.properties`. */
export interface Identity {
  readonly nodeId: number
  readonly directoryId: string
}

export interface CheckedMetadata {
  readonly findings: readonly Finding[]
  /** Undefined when the metadata cannot be read as a whole. */
  readonly image: MetadataImage | undefined
}

/** Reads all snapshots of the metadata, and the log behind the newest that is whole. */
export function checkMetadata(
  files: Files,
  path: string,
  identity: Identity | undefined,
  {
    wasClean: wasCleanShutdown,
    hasPartitions,
  }: { readonly wasClean: boolean; readonly hasPartitions: boolean },
): CheckedMetadata {
  const folder = `${path}/${METADATA_FOLDER}`
  if (!files.exists(folder)) {
    const message = `there is no metadata log in it (${METADATA_FOLDER})`
    return { findings: [hasPartitions ? problem(path, message) : note(path, message)], image: undefined }
  }
  const findings: Finding[] = []
  try {
    return checkFolder(files, path, identity, wasCleanShutdown, findings)
  } catch (error) {
    if (!isFileError(error)) throw error
    // What cannot be read is told with the other files of the folder.
    return { findings, image: undefined }
  }
}

function checkFolder(
  files: Files,
  path: string,
  identity: Identity | undefined,
  wasCleanShutdown: boolean,
  findings: Finding[],
): CheckedMetadata {
  const folder = `${path}/${METADATA_FOLDER}`
  const snapshot = newestSnapshot(files, folder, findings)
  const image = new MetadataImage()
  const carryOver =
    identity && new CarryOver({ ...identity, directory: { files, path, directoryId: identity.directoryId } })
  const take = (batch: MetadataBatch) => {
    carryOver?.look(batch)
    image.replay(batch)
  }
  try {
    for (const batch of snapshot?.batches ?? []) take(batch)
    const startOffset = firstSegmentOffset(files, folder) ?? 0n
    const from = snapshot?.endOffset ?? 0n
    if (startOffset > from) {
      findings.push(
        problem(
          folder,
          `the log begins at offset ${startOffset}, and no snapshot that is whole holds what was before`,
        ),
      )
      return { findings, image: undefined }
    }
    const { endOffset } = readMetadataLog(files, folder, from, wasCleanShutdown, take)
    const closedAt = wasCleanShutdown ? closedOffset(files, folder) : undefined
    if (closedAt !== undefined && closedAt > endOffset)
      findings.push(
        problem(
          folder,
          `the log was closed at offset ${closedAt}, and it ends at ${endOffset}: records are missing`,
        ),
      )
  } catch (error) {
    if (!(error instanceof DataDirectoryError)) throw error
    findings.push(problem(folder, error.message))
    return { findings, image: undefined }
  }
  try {
    carryOver?.check(image)
  } catch (error) {
    if (!(error instanceof DataDirectoryError)) throw error
    findings.push(note(path, `Odradek would not start on it: ${error.message}`))
  }
  return { findings, image }
}

function newestSnapshot(
  files: Files,
  folder: string,
  findings: Finding[],
): { endOffset: bigint; batches: readonly MetadataBatch[] } | undefined {
  let newest: { endOffset: bigint; batches: readonly MetadataBatch[] } | undefined
  for (const file of listSnapshots(files, folder)) {
    try {
      newest = { endOffset: file.endOffset, batches: readSnapshot(files, file) }
    } catch (error) {
      if (!(error instanceof DataDirectoryError)) throw error
      findings.push(problem(file.path, `no start can use it: ${error.message.replace(file.path, 'it')}`))
    }
  }
  return newest
}
