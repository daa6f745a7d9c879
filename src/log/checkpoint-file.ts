import type { Files, OpenFile } from '../platform/platform.ts'

/**
 * Kafka's checkpoint files are text: a version, a count, then a line per entry.
 *
 * ```
 * 0
 * 1
 * orders 3 1042
 * ```
 */
export function formatCheckpoint(lines: readonly string[]): string {
  return `0\n${lines.length}\n${lines.map((line) => `${line}\n`).join('')}`
}

/** The entries of a checkpoint file as lines; undefined when it is no such file or cut off. */
export function parseCheckpoint(text: string): string[] | undefined {
  const lines = text.split('\n')
  const count = Number(lines[1])
  if (lines[0]?.trim() !== '0' || !Number.isInteger(count) || count < 0) return undefined
  const entries = lines.slice(2).filter((line) => line !== '')
  return entries.length === count ? entries : undefined
}

/** Offsets by topic and partition, as in `recovery-point-offset-checkpoint`. The key is `topic-partition`. */
export type OffsetCheckpoint = Map<string, { topic: string; partition: number; offset: bigint }>

export function formatOffsetCheckpoint(
  entries: Iterable<{ topic: string; partition: number; offset: bigint }>,
): string {
  return formatCheckpoint(
    Array.from(entries, ({ topic, partition, offset }) => `${topic} ${partition} ${offset}`),
  )
}

/** Undefined when the text is damaged: the caller goes without, as if the file were missing. */
export function parseOffsetCheckpoint(text: string): OffsetCheckpoint | undefined {
  const lines = parseCheckpoint(text)
  if (!lines) return undefined
  const checkpoint: OffsetCheckpoint = new Map()
  for (const line of lines) {
    const match = /^(\S+) (\d+) (-?\d+)$/.exec(line)
    if (!match) return undefined
    const [, topic, partition, offset] = match as unknown as [string, string, string, string]
    checkpoint.set(`${topic}-${partition}`, { topic, partition: Number(partition), offset: BigInt(offset) })
  }
  return checkpoint
}

/**
 * Replaces a small file like `Files.replace`, but waits for the device off the main thread. `isLatest` says then whether nobody has begun
 * to replace it again: who has writes into the same file beside it, and puts it in place.
 */
export async function replaceFile(
  files: Files,
  path: string,
  text: string,
  isLatest = () => true,
): Promise<void> {
  const beside = `${path}.tmp`
  const file = files.open(beside, 'create')
  try {
    file.truncate(0)
    file.write([Buffer.from(text)], 0)
    await file.flush()
  } finally {
    file.close()
  }
  if (!isLatest()) return
  files.rename(beside, path)
  await files.flushDirectory(folderOf(path))
}

/** Replaces a small file without waiting for the device: what it holds can be rebuilt, only a mix of old and new must not be. */
export function replaceFileUnflushed(files: Files, path: string, bytes: Buffer | string): void {
  replaceOnTheSpot(files, path, bytes, () => {})
}

/** Replaces a small file and waits for the device on the main thread. Gets along with `replaceFile`, which may be at the same file. */
export function replaceFileSync(files: Files, path: string, bytes: Buffer | string): void {
  replaceOnTheSpot(files, path, bytes, (file) => file.flushSync())
  files.flushDirectorySync(folderOf(path))
}

function replaceOnTheSpot(
  files: Files,
  path: string,
  bytes: Buffer | string,
  flush: (file: OpenFile) => void,
): void {
  const beside = `${path}.tmp`
  const file = files.open(beside, 'create')
  try {
    file.truncate(0)
    file.write([typeof bytes === 'string' ? Buffer.from(bytes) : bytes], 0)
    flush(file)
  } finally {
    file.close()
  }
  files.rename(beside, path)
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
