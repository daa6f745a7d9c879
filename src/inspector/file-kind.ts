/** What a file of a data directory is. */
export type FileKind =
  | 'segment'
  | 'offset index'
  | 'time index'
  | 'transaction index'
  | 'producer snapshot'
  | 'leader epochs'
  | 'offsets'
  | 'properties'
  | 'quorum state'

/** A file by its name and the folder that it lies in. */
export interface KnownFile {
  readonly kind: FileKind
  /** Offset that the name of a segment and of what lies beside it begins with. */
  readonly baseOffset: bigint | undefined
  /** Topic of the partition whose folder it lies in. */
  readonly topic: string | undefined
}

const byEnding: readonly (readonly [RegExp, FileKind])[] = [
  [/\.log$/, 'segment'],
  [/^\d{20}-\d{10}\.checkpoint(\.part)?$/, 'segment'],
  [/\.index$/, 'offset index'],
  [/\.timeindex$/, 'time index'],
  [/\.txnindex$/, 'transaction index'],
  [/\.snapshot$/, 'producer snapshot'],
  [/^leader-epoch-checkpoint$/, 'leader epochs'],
  [/-checkpoint$/, 'offsets'],
  [/^(meta\.properties|partition\.metadata)$/, 'properties'],
  [/^quorum-state$/, 'quorum state'],
]

/** What the name says; undefined when it is no name of a file that Kafka keeps. */
export function knownFile(path: string): KnownFile | undefined {
  const parts = path.replaceAll('\\', '/').split('/')
  // Files that are being replaced or deleted keep their name in front of such an ending.
  const name = parts.at(-1)!.replace(/\.(deleted|swap|cleaned|tmp)$/, '')
  const kind = byEnding.find(([ending]) => ending.test(name))?.[1]
  if (kind === undefined) return undefined
  const offset = /^(\d{20})/.exec(name)?.[1]
  return {
    kind,
    baseOffset: offset === undefined ? undefined : BigInt(offset),
    topic: /^(.+?)-\d+(\.[0-9a-f]{32}-(delete|stray))?$/.exec(parts.at(-2) ?? '')?.[1],
  }
}

/** What the content says of a text file; undefined when it says nothing. */
export function fileKindByContent(bytes: Buffer): FileKind | undefined {
  const text = bytes.subarray(0, 1024).toString('latin1')
  if (/^\s*\{[\s\S]*"leaderEpoch"/.test(text)) return 'quorum state'
  if (/^(#|version\s*[=:]|cluster\.id=|node\.id=|broker\.id=)/.test(text)) return 'properties'
  if (/^0\n\d+\n(\d+ \d+(\n|$))*$/.test(text) && text.split('\n').length > 2) return 'leader epochs'
  if (/^0\n\d+\n(\S+ \d+ -?\d+(\n|$))+/.test(text)) return 'offsets'
  return undefined
}
