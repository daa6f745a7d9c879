import type { Files, OpenFile } from '../platform/platform.ts'
import { type FileFacts, type FileKind, kindOf } from './file-kind.ts'
import { FileWindow } from './file-window.ts'
import { dumpOffsetIndex, dumpTimeIndex, dumpTransactionIndex, type IndexFile } from './index-files.ts'
import { type DumpItem, type DumpOptions, note, problem } from './item.ts'
import { dumpLog } from './log-file.ts'
import { type RecordDecoder, recordDecoderOf } from './record-decoders.ts'
import {
  dumpJson,
  dumpLeaderEpochs,
  dumpOffsetCheckpoint,
  dumpProducerSnapshot,
  dumpProperties,
  MAX_SMALL_FILE_BYTES,
} from './small-files.ts'

/** Around an index entry not more than the head of a batch is looked at. */
const INDEX_CHUNK_BYTES = 64 * 1024
const LOG_CHUNK_FOR_INDEX_BYTES = 4096

const smallFiles: Partial<Record<FileKind, (bytes: Buffer, options: DumpOptions) => Iterable<DumpItem>>> = {
  'producer snapshot': dumpProducerSnapshot,
  properties: dumpProperties,
  'quorum state': dumpJson,
  'clean shutdown': dumpJson,
}

/** Files of any size, line by line. */
const textFiles: Partial<Record<FileKind, (window: FileWindow) => Iterable<DumpItem>>> = {
  'leader epochs': dumpLeaderEpochs,
  offsets: dumpOffsetCheckpoint,
}

/** Everything in one file of a data directory; what cannot be read is told as a problem. Nothing is written, no lock is taken. */
export async function* dumpFile(files: Files, path: string, options: DumpOptions): AsyncGenerator<DumpItem> {
  const known = kindOf(path)
  let file: OpenFile
  let bytes: number
  try {
    file = files.open(path, 'read')
    bytes = file.size()
  } catch (error) {
    yield { type: 'file', fields: { path } }
    yield problem(reasonOf(error))
    return
  }
  try {
    yield { type: 'file', fields: headOf(path, known, bytes) }
    if (known === undefined) yield problem('no file of a data directory has such a name')
    else {
      const topic = options.topic ?? known.topic
      yield* contents(
        files,
        path,
        file,
        known,
        options.data ? await recordDecoderOf(topic, options.catalog) : undefined,
        options,
      )
    }
  } catch (error) {
    yield problem(reasonOf(error))
  } finally {
    file.close()
  }
}

function headOf(path: string, known: FileFacts | undefined, bytes: number): DumpItem['fields'] {
  const { kind, baseOffset, state } = known ?? { kind: 'unknown' }
  return {
    path,
    kind,
    bytes,
    ...(kind === 'metadata snapshot' ? snapshotFields(path) : {}),
    ...(baseOffset === undefined || kind === 'metadata snapshot' ? {} : { startingOffset: baseOffset }),
    ...(state === undefined ? {} : { state }),
  }
}

/** Up to where a snapshot stands for the log, by its name; the one that begins a cluster has no such name. */
function snapshotFields(path: string): DumpItem['fields'] {
  const [, endOffset, epoch] = /(\d{20})-(\d{10})\.checkpoint/.exec(path) ?? []
  return endOffset === undefined ? {} : { endOffset: BigInt(endOffset), epoch: Number(epoch) }
}

function* contents(
  files: Files,
  path: string,
  file: OpenFile,
  { kind, baseOffset }: FileFacts,
  decoder: RecordDecoder | undefined,
  options: DumpOptions,
): Generator<DumpItem> {
  const read = smallFiles[kind]
  const readText = textFiles[kind]
  if (readText !== undefined) yield* readText(new FileWindow(file))
  else if (read !== undefined) {
    if (file.size() > MAX_SMALL_FILE_BYTES) {
      yield problem(`${file.size()} bytes are too many for ${kind}`)
      return
    }
    yield* read(files.read(path), options)
  } else if (kind === 'segment' || kind === 'metadata snapshot') {
    // A snapshot has the name of the offset where it ends; its own offsets begin at 0.
    const named = kind === 'segment' ? baseOffset : undefined
    yield* dumpLog(new FileWindow(file), { baseOffset: named, decoder }, options)
  } else if (kind !== 'lock') yield* index(files, path, file, kind, baseOffset, options)
}

function* index(
  files: Files,
  path: string,
  file: OpenFile,
  kind: FileKind,
  baseOffset: bigint | undefined,
  options: DumpOptions,
): Generator<DumpItem> {
  const logPath = `${path.slice(0, path.lastIndexOf('.'))}.log`
  const logFile = baseOffset === undefined ? undefined : openIfReadable(files, logPath)
  try {
    if (baseOffset === undefined)
      yield note('its name has no offset of 20 digits: offsets are shown from 0 on')
    else if (logFile === undefined && path.endsWith('index'))
      yield note('there is no segment that could be compared with it')
    const isSequential = kind === 'time index'
    const log = logFile && new FileWindow(logFile, isSequential ? undefined : LOG_CHUNK_FOR_INDEX_BYTES)
    const source: IndexFile = {
      window: new FileWindow(file, INDEX_CHUNK_BYTES),
      baseOffset: baseOffset ?? 0n,
      log,
    }
    if (kind === 'offset index') yield* dumpOffsetIndex(source, options)
    else if (kind === 'time index') yield* dumpTimeIndex(source, options)
    else yield* dumpTransactionIndex(source, options)
  } finally {
    logFile?.close()
  }
}

/** Undefined when it is not there, or not for us to read: who looks at it is told. */
function openIfReadable(files: Files, path: string): OpenFile | undefined {
  try {
    return files.exists(path) ? files.open(path, 'read') : undefined
  } catch {
    return undefined
  }
}

/** What the operating system says, in words. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EACCES':
    case 'EPERM':
      return 'no permission to read it'
    case 'EISDIR':
      return 'it is a folder'
    case 'ENOTDIR':
      return 'it is no folder'
    default:
      if (code === undefined) throw error
      return message
  }
}
