import type { MemoryFiles } from '../../src/platform/memory-files.ts'
import { batchSizeInBytes } from '../../src/protocol/record-batch.ts'
import { METADATA, orders } from './directory.ts'

export const LAST_LOG = `${orders(9)}.log`
export const METADATA_LOG = `${METADATA}/${'0'.repeat(20)}.log`

export const change = (path: string, edit: (bytes: Buffer) => Buffer | string) => (files: MemoryFiles) =>
  files.replace(path, edit(Buffer.from(files.read(path))))
export const put = (path: string, text: string) => (files: MemoryFiles) => files.replace(path, text)
export const remove =
  (...paths: string[]) =>
  (files: MemoryFiles) => {
    for (const path of paths) files.remove(path)
  }
export const folder = (path: string) => (files: MemoryFiles) => {
  files.removeDirectory(path)
  files.makeDirectory(path)
  files.replace(`${path}/notes.txt`, 'mine')
}
export const copy = (from: string, to: string) => (files: MemoryFiles) => files.replace(to, files.read(from))
export const segment = (offset: number) =>
  ['log', 'index', 'timeindex'].map((suffix) => `${orders(offset)}.${suffix}`)
export const flip = (at: number) => (bytes: Buffer) => {
  bytes[at < 0 ? bytes.length + at : at]! ^= 0xff
  return bytes
}
export const cut = (count: number) => (bytes: Buffer) => bytes.subarray(0, -count)
export const grow = (more: Buffer | string) => (bytes: Buffer) => Buffer.concat([bytes, Buffer.from(more)])
export const GARBAGE = 'garbage '.repeat(20)

export function placeOf(bytes: Buffer, batch: number): number {
  let at = 0
  for (let n = 0; n < batch; n++) at += batchSizeInBytes(bytes, at)
  return at
}
export const flipIn = (batch: number, at: number) => (bytes: Buffer) =>
  flip(placeOf(bytes, batch) + at)(bytes)
export const resize = (batch: number, length: number) => (bytes: Buffer) => {
  bytes.writeInt32BE(length, placeOf(bytes, batch) + 8)
  return bytes
}
export const cutLastBatch = (bytes: Buffer) => {
  let last = 0
  for (let at = 0; at < bytes.length; at += batchSizeInBytes(bytes, at)) last = at
  return bytes.subarray(0, last)
}
export const snapshotsIn = (files: MemoryFiles) =>
  files
    .list(METADATA)
    .flatMap(({ name }) => (/^\d+-\d+\.checkpoint$/.test(name) ? [`${METADATA}/${name}`] : []))
