import { MemoryFiles } from '../../platform/memory-files.ts'
import type { Files } from '../../platform/platform.ts'
import { type BatchRecord, type BatchToBuild, buildBatch } from '../../protocol/batch-builder.ts'
import { dumpPath, type PartitionChoice } from '../dump-path.ts'
import { ALL, type DumpItem, type DumpOptions } from '../item.ts'

export const FOLDER = '/data/orders-0'
export const LOG = `${FOLDER}/00000000000000000000.log`
export const START_TIME = 1_700_000_000_000n

/** A record with a value, and a key unless it is null. */
export function record(
  value: string | Buffer | null,
  key: string | Buffer | null = null,
  timestamp = START_TIME,
): BatchRecord {
  return {
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: [],
    timestamp,
  }
}

/** A batch of records that have the values. */
export function batch(
  baseOffset: bigint,
  values: readonly string[],
  more: Partial<BatchToBuild> = {},
): Buffer {
  return buildBatch({ baseOffset, leaderEpoch: 0, records: values.map((value) => record(value)), ...more })
}

/** Files in memory, by path. */
export function filesOf(contents: Readonly<Record<string, Buffer | string>>): Files {
  const files = new MemoryFiles()
  for (const [path, bytes] of Object.entries(contents)) {
    files.makeDirectory(path.slice(0, path.lastIndexOf('/')))
    files.replace(path, bytes)
  }
  return files
}

/** All that a dump of a path says. */
export async function itemsOf(
  files: Files,
  path: string,
  options: Partial<DumpOptions> = {},
  choice?: PartitionChoice,
): Promise<DumpItem[]> {
  const items: DumpItem[] = []
  for await (const item of dumpPath(files, path, choice, { ...ALL, ...options })) items.push(item)
  return items
}

export function problemsOf(items: readonly DumpItem[]): string[] {
  return items.flatMap(({ type, fields }) => (type === 'problem' ? [String(fields.message)] : []))
}

export function fieldsOf(items: readonly DumpItem[], type: DumpItem['type']): DumpItem['fields'][] {
  return items.flatMap((item) => (item.type === type ? [item.fields] : []))
}
