import type { Logger } from '../platform/logger.ts'
import type { Clock, Files, Random } from '../platform/platform.ts'
import type { TailMemory } from './log-tail.ts'
import type { OpenFiles } from './open-files.ts'
import type { ReadBuffers } from './read-buffers.ts'
import type { StorageHealth } from './storage-health.ts'

/** What all logs of a broker share. */
export interface LogEnvironment {
  readonly files: Files
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly openFiles: OpenFiles
  readonly tailMemory: TailMemory
  readonly readBuffers: ReadBuffers
  readonly health: StorageHealth
  /** `producer.id.expiration.ms` as it is now. */
  producerIdExpirationMs(): number
  /** Removes files that nobody needs any more, once readers that still hold them are surely done. */
  removeLater(paths: readonly string[], delayMs: number): void
  /** Runs flushes one after the other, so that reads find a free thread. Failures are logged. */
  flushInBackground(flush: () => Promise<void>): void
  /** Resolves when the folders of logs have on the device the names that they have now. */
  flushFolderNames(): Promise<void>
  flushFolderNamesSync(): void
  /** A recovery point moved: the checkpoint has to be written some time. */
  recoveryPointMoved(): void
  /** A log start moved: acknowledged deletes must be on disk before the answer. */
  logStartMoved(): void
  /** Bytes looked at by a recovery, for its progress. */
  recovered(bytes: number): void
}
