import { closeSync, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { isText } from '../../inspector/input-text.ts'
import { CommandError, EXIT_FAILURE, EXIT_NOT_FOUND, type Host } from '../host.ts'

/** So many bytes are read at the most, whatever the size of the input: the rest is left out, and that is said. */
const MAX_INPUT_BYTES = 16 * 1024 * 1024
/** Text takes many times its size to be decoded. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024
const SAMPLE_BYTES = 4096

/** What was read. */
export interface RawInput {
  /** Path of a file; undefined for standard input and for what stood on the command line. */
  readonly path: string | undefined
  readonly bytes: Buffer
  /** Position of the first of them. */
  readonly position: number
  /** Size of the whole; undefined when it is not known. */
  readonly total: number | undefined
}

/** Reads the file, standard input, or what stands on the command line. `skip` counts bytes of what is no text. */
export async function readInput(host: Host, words: readonly string[], skip: number): Promise<RawInput> {
  const [word] = words
  if (word === undefined || (words.length === 1 && word === '-')) return readStdin(host, skip)
  const file = words.length === 1 ? statOf(host, word) : undefined
  if (file !== undefined) return readFile(resolve(host.workingDirectory, word), word, skip)
  const text = words.join(' ')
  if (words.length === 1 && isPath(word))
    throw new CommandError(`${word}: there is no such file`, EXIT_NOT_FOUND)
  const bytes = Buffer.from(text)
  return { path: undefined, bytes, position: 0, total: bytes.length }
}

/** Undefined when there is no such file. */
function statOf(host: Host, path: string): Stats | undefined {
  try {
    return statSync(resolve(host.workingDirectory, path), { throwIfNoEntry: false })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // A long hex text is no name of a file.
    if (code === 'ENAMETOOLONG' || code === 'ENOTDIR') return undefined
    throw unreadable(path, error)
  }
}

/** Whether a word that is no file was meant as one: text of bytes has neither dots nor a slash at its beginning. */
function isPath(word: string): boolean {
  return /^[~/]|\.|^[^0-9a-f]{1,3}$|[^\w+/=\s:,\\-]/i.test(word) && !/\\x|^["'<[]/.test(word)
}

function readFile(path: string, name: string, skip: number): RawInput {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    throw unreadable(name, error)
  }
  try {
    const stat = fstatSync(file)
    if (stat.isDirectory()) {
      throw new CommandError(
        `${name} is a folder; explain takes a file, odradek dump takes folders`,
        EXIT_FAILURE,
      )
    }
    const isTextFile = isText(readAt(file, 0, SAMPLE_BYTES))
    const position = isTextFile ? 0 : skip
    const bytes = readAt(file, position, isTextFile ? MAX_TEXT_BYTES : MAX_INPUT_BYTES)
    return { path, bytes, position, total: stat.isFile() ? stat.size : undefined }
  } catch (error) {
    throw error instanceof CommandError ? error : unreadable(name, error)
  } finally {
    closeSync(file)
  }
}

/** Up to `most` bytes; fewer at the end of the file. */
function readAt(file: number, position: number, most: number): Buffer {
  const size = Math.max(0, Math.min(most, fstatSync(file).size - position))
  const bytes = Buffer.allocUnsafe(size)
  let length = 0
  while (length < size) {
    const read = readSync(file, bytes, length, size - length, position + length)
    if (read === 0) break
    length += read
  }
  return bytes.subarray(0, length)
}

async function readStdin(host: Host, skip: number): Promise<RawInput> {
  const chunks: Buffer[] = []
  let length = 0
  let isWhole = true
  for await (const chunk of host.stdin) {
    chunks.push(chunk)
    length += chunk.length
    if (length <= skip + MAX_INPUT_BYTES) continue
    isWhole = false
    break
  }
  const all = Buffer.concat(chunks, length)
  const isTextInput = isText(all)
  const position = isTextInput ? 0 : Math.min(skip, length)
  const bytes = all.subarray(position, position + (isTextInput ? MAX_TEXT_BYTES : MAX_INPUT_BYTES))
  return { path: undefined, bytes, position, total: isWhole ? length : undefined }
}

function unreadable(name: string, error: unknown): CommandError {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM') return new CommandError(`${name}: no permission to read it`)
  return new CommandError(`${name} cannot be read: ${message}`)
}
