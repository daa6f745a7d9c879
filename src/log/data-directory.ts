import type { DirectoryLock, Files, Random } from '../platform/platform.ts'
import {
  formatOffsetCheckpoint,
  type OffsetCheckpoint,
  parseOffsetCheckpoint,
  replaceFile,
  replaceFileSync,
  replaceFileUnflushed,
} from './checkpoint-file.ts'
import { isFileError } from './storage-error.ts'

const META_PROPERTIES = 'meta.properties'
const CLEAN_SHUTDOWN = '.kafka_cleanshutdown'

/** The checkpoint files of a data directory. */
export type CheckpointName =
  | 'recovery-point-offset-checkpoint'
  | 'log-start-offset-checkpoint'
  | 'replication-offset-checkpoint'
  | 'cleaner-offset-checkpoint'

/** A data directory that cannot be used as it is; the message says what is wrong and where. */
export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError'
}

/** What to expect of a directory, and what to write into a new one. */
export interface DataDirectoryOptions {
  readonly files: Files
  readonly random: Random
  readonly path: string
  readonly nodeId: number
  /** Undefined: keep what is there, or draw a new one. */
  readonly clusterId?: string | undefined
}

/** The folder that a broker keeps its logs in (`log.dirs`): locked while it is open, formatted when it is new. */
export class DataDirectory {
  readonly files: Files
  readonly path: string
  readonly clusterId: string
  /** Names this directory for ever: partition records in the metadata point to it (KIP-858). */
  readonly directoryId: string
  /** Nothing was here before. */
  readonly isNew: boolean
  /** The last broker on it stopped as it should; nothing has to be recovered. */
  readonly wasCleanShutdown: boolean
  readonly #lock: DirectoryLock
  /** What the marker of the last clean shutdown said. */
  readonly #marker: Buffer | undefined
  /** How often each checkpoint has been written. */
  readonly #checkpointWrites = new Map<CheckpointName, number>()

  private constructor(
    options: DataDirectoryOptions,
    lock: DirectoryLock,
    meta: MetaProperties,
    isNew: boolean,
    marker: Buffer | undefined,
  ) {
    this.files = options.files
    this.path = options.path
    this.clusterId = meta.clusterId
    this.directoryId = meta.directoryId
    this.isNew = isNew
    this.wasCleanShutdown = isNew || marker !== undefined
    this.#lock = lock
    this.#marker = marker
  }

  /** Makes the folder if need be and locks it. Throws `DirectoryLockedError`, `DataDirectoryError`, or what the file system says. */
  static open(options: DataDirectoryOptions): DataDirectory {
    const { files, path } = options
    if (!files.exists(path)) {
      files.makeDirectory(path)
      files.flushDirectorySync(parentOf(path))
    }
    const lock = files.lock(`${path}/.lock`)
    try {
      const isNew = !files.exists(`${path}/${META_PROPERTIES}`)
      const meta = isNew ? format(options) : readMeta(options)
      const markerPath = `${path}/${CLEAN_SHUTDOWN}`
      const marker = files.exists(markerPath) ? readWhole(files, markerPath) : undefined
      // From here on only a clean shutdown writes it again.
      files.remove(markerPath)
      // Were it back after a loss of power, nothing would be recovered. And a broker that was killed may have left folders that are new.
      if (!isNew) files.flushDirectorySync(path)
      return new DataDirectory(options, lock, meta, isNew, marker)
    } catch (error) {
      lock.release()
      throw error
    }
  }

  /** A checkpoint; empty when the file is missing, undefined when it is damaged. */
  readCheckpoint(name: CheckpointName): OffsetCheckpoint | undefined {
    const path = `${this.path}/${name}`
    const bytes = this.files.exists(path) ? readWhole(this.files, path) : undefined
    // Apache Kafka makes the file before it has something to say.
    if (bytes === undefined || bytes.length === 0) return new Map()
    return parseOffsetCheckpoint(bytes.toString('utf8'))
  }

  /** Writes a checkpoint and waits for the device. */
  writeCheckpoint(name: CheckpointName, entries: Iterable<CheckpointEntry>): Promise<void> {
    const turn = this.#beginWriting(name)
    const isLatest = () => this.#checkpointWrites.get(name) === turn
    return replaceFile(this.files, `${this.path}/${name}`, formatOffsetCheckpoint(entries), isLatest)
  }

  /** The same on the main thread. */
  writeCheckpointSync(name: CheckpointName, entries: Iterable<CheckpointEntry>): void {
    this.#beginWriting(name)
    replaceFileSync(this.files, `${this.path}/${name}`, formatOffsetCheckpoint(entries))
  }

  /** Writes a checkpoint and leaves it to the operating system when it goes to the device. A loss of power may leave neither the old one nor the new one. */
  writeCheckpointNow(name: CheckpointName, entries: Iterable<CheckpointEntry>): void {
    this.#beginWriting(name)
    replaceFileUnflushed(this.files, `${this.path}/${name}`, formatOffsetCheckpoint(entries))
  }

  #beginWriting(name: CheckpointName): number {
    const turn = (this.#checkpointWrites.get(name) ?? 0) + 1
    this.#checkpointWrites.set(name, turn)
    return turn
  }

  /** The last thing a clean shutdown writes. */
  async writeCleanShutdown(brokerEpoch: bigint): Promise<void> {
    // Kafka's file ends without a line feed.
    await replaceFile(
      this.files,
      `${this.path}/${CLEAN_SHUTDOWN}`,
      `{"version":0,"brokerEpoch":${brokerEpoch}}`,
    )
  }

  /** Gives the directory back as it was found: a start has failed before it touched anything in it. */
  giveBack(): void {
    if (this.#marker) this.files.replace(`${this.path}/${CLEAN_SHUTDOWN}`, this.#marker)
    this.release()
  }

  /** Gives the directory to the next broker. */
  release(): void {
    this.#lock.release()
  }
}

function parentOf(path: string): string {
  const end = path.replace(/[/\\]+$/, '').search(/[/\\][^/\\]*$/)
  return end < 0 ? '.' : path.slice(0, end + 1)
}

/** What the system says does not always name the file. */
function readWhole(files: Files, path: string): Buffer {
  try {
    return files.read(path)
  } catch (error) {
    if (!isFileError(error)) throw error
    throw new DataDirectoryError(`${path} cannot be read: ${error.message}`)
  }
}

interface CheckpointEntry {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

interface MetaProperties {
  readonly clusterId: string
  readonly directoryId: string
}

function format({
  files,
  random,
  path,
  nodeId,
  clusterId = random.uuid(),
}: DataDirectoryOptions): MetaProperties {
  const occupied = files.list(path).find(({ name, isDirectory }) => isDirectory && /-\d+$/.test(name))
  if (occupied) {
    throw new DataDirectoryError(
      `${path} has no ${META_PROPERTIES}, but a partition's folder ${occupied.name}: the file was lost, or this is no data directory`,
    )
  }
  const directoryId = random.uuid()
  const lines = [`cluster.id=${clusterId}`, `directory.id=${directoryId}`, `node.id=${nodeId}`, 'version=1']
  files.replace(`${path}/${META_PROPERTIES}`, `${lines.join('\n')}\n`)
  return { clusterId, directoryId }
}

function readMeta({ files, path, nodeId, clusterId }: DataDirectoryOptions): MetaProperties {
  const file = `${path}/${META_PROPERTIES}`
  const properties = new Map<string, string>()
  for (const line of readWhole(files, file).toString('utf8').split(/\r?\n/)) {
    const match = /^\s*([^#!\s=:][^\s=:]*)\s*[=:]\s*(.*)$/.exec(line)
    if (match) properties.set(match[1]!, match[2]!.trim())
  }
  const value = (name: string): string => {
    const found = properties.get(name)
    if (!found) throw new DataDirectoryError(`${file} has no ${name}`)
    return found
  }
  if (value('version') !== '1') {
    throw new DataDirectoryError(
      `${file} has version ${value('version')}, and only 1 is known here: start the broker that wrote it, or one that is newer`,
    )
  }
  const storedNodeId = value('node.id')
  if (storedNodeId !== String(nodeId)) {
    throw new DataDirectoryError(
      `${path} belongs to node ${storedNodeId} (node.id), and this is node ${nodeId}`,
    )
  }
  const storedClusterId = value('cluster.id')
  if (clusterId !== undefined && clusterId !== storedClusterId) {
    throw new DataDirectoryError(`${path} belongs to cluster ${storedClusterId}, not to ${clusterId}`)
  }
  return { clusterId: storedClusterId, directoryId: value('directory.id') }
}
