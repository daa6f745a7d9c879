import { type FileKind as InspectedKind, knownFile } from '../inspector/file-kind.ts'

/** What a file of a data directory is. */
export type FileKind = InspectedKind | 'metadata snapshot' | 'clean shutdown' | 'lock'

export interface FileFacts {
  readonly kind: FileKind
  /** Of a segment and of what lies beside it; undefined when the name does not tell. */
  readonly baseOffset: bigint | undefined
  /** Whose records it holds, or would. */
  readonly topic: string | undefined
  /** Why the file is not, or no longer, a part of the log. */
  readonly state: string | undefined
}

/** What only a dump looks into. */
const more: readonly (readonly [RegExp, FileKind])[] = [
  [/\.checkpoint$/, 'metadata snapshot'],
  [/^\.kafka_cleanshutdown$/, 'clean shutdown'],
  [/^\.lock$/, 'lock'],
]

const states: Readonly<Record<string, string>> = {
  '.deleted': 'to be deleted',
  '.cleaned': 'left by compaction that did not finish',
  '.swap': 'compacted, about to take its place',
  '.tmp': 'left by a write that did not finish',
  '.part': 'a snapshot that is not complete',
}

/** Tells by a file's name and its folder what it is; undefined when it is none of a data directory. */
export function kindOf(path: string): FileFacts | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const suffix = /\.(deleted|cleaned|swap|tmp|part)$/.exec(name)?.[0] ?? ''
  const base = name.slice(0, name.length - suffix.length)
  const known = knownFile(path)
  const kind = more.find(([pattern]) => pattern.test(base))?.[1] ?? known?.kind
  if (kind === undefined) return undefined
  // A snapshot begins a cluster, or stands for the beginning of its metadata log.
  const topic = kind === 'metadata snapshot' ? '__cluster_metadata' : known?.topic
  return { kind, baseOffset: known?.baseOffset, topic, state: states[suffix] }
}
