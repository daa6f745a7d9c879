import { type Piece, streamsOf } from './packet-dump.ts'
import { count } from './words.ts'

/** Text that stands for bytes cannot be read; the message says where. */
export class InputTextError extends Error {
  override readonly name = 'InputTextError'
}

/** The bytes that were given, and the form that they were given in. */
export interface DecodedInput {
  readonly form: string
  /** One piece; several when packets of several connections or directions were given. */
  readonly pieces: readonly Piece[]
}

/** Enough to tell text from bytes. */
const SAMPLE_BYTES = 4096

/** Whether bytes are text: printable, blanks and line ends, or UTF-8. */
export function isText(bytes: Buffer): boolean {
  const sample = bytes.subarray(0, SAMPLE_BYTES)
  return sample.every(
    (byte) => (byte >= 0x20 && byte !== 0x7f) || byte === 0x09 || byte === 0x0a || byte === 0x0d,
  )
}

/**
 * The bytes that a text stands for: hex with or without blanks, colons, commas, `0x` and `\x`; dumps of xxd, hexdump, od and tcpdump; lists of
 * decimal numbers; base64. Throws `InputTextError`.
 */
export function decodeText(text: string): DecodedInput {
  if (text.trim() === '') throw new InputTextError('there is nothing to explain: the input is empty')
  return dump(text) ?? escaped(text) ?? decimals(text) ?? hexDigits(text) ?? base64(text) ?? fail(text)
}

function one(form: string, bytes: Buffer): DecodedInput {
  return { form, pieces: [{ label: '', bytes }] }
}

/** Lines of an offset and bytes, as dumping tools print them: the text column of xxd and tcpdump has two blanks before it, that of hexdump a bar. */
const dumpLine =
  /^\s*(?:0x)?([0-9a-f]{4,16})(?:(:)\s+((?:[0-9a-f]{2,}\s?)+)(?:\s.*)?|\s+((?:[0-9a-f]{2,}\s*)+)(?:\|.*)?)$/i
/** An offset on its own closes the dumps of hexdump and od. */
const lastLine = /^\s*[0-9a-f]{6,16}\s*$/i

function dump(text: string): DecodedInput | undefined {
  const blocks: Buffer[][] = []
  let isSwapped = false
  let dumped = 0
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  for (const line of lines) {
    const match = dumpLine.exec(line)
    if (match === null) {
      // Packets of tcpdump have a line of their own above; in any other text a strange line means that it is no dump.
      if (lastLine.test(line) || / > .*(Flags|length)|^\d\d:\d\d:\d\d\.|^\s*IP6? /.test(line)) continue
      return undefined
    }
    const [, offset, colon, before, all] = match as unknown as [string, string, string?, string?, string?]
    const digits = (before ?? all)!
    const position = Number.parseInt(offset, 16)
    if (position === 0) blocks.push([])
    // Bytes in columns could be taken for a dump, but for their offsets.
    if (blocks.length === 0 || position !== blocks.at(-1)!.reduce((sum, { length }) => sum + length, 0))
      return undefined
    // What hexdump prints without -C are numbers of 16 bits in the order of the machine.
    if (colon === undefined && offset.length === 7 && /^[0-9a-f]{4}( |$)/i.test(digits)) isSwapped = true
    const bytes = Buffer.from(digits.replace(/\s/g, ''), 'hex')
    blocks.at(-1)!.push(isSwapped && bytes.length % 2 === 0 ? bytes.swap16() : bytes)
    dumped++
  }
  if (dumped === 0 || (lines.length === 1 && !/^\s*(0x)?0+(:|\s{2})/i.test(lines[0]!))) return undefined
  const packets = blocks.map((parts) => Buffer.concat(parts))
  const streams = streamsOf(packets)
  if (streams !== undefined) return { form: `${count(packets.length, 'packet')} of a dump`, pieces: streams }
  return one('a hex dump', Buffer.concat(packets))
}

/** A literal of Python, C or JavaScript: `\x00\x12abc\n`. */
function escaped(text: string): DecodedInput | undefined {
  if (!/\\x[0-9a-f]{2}/i.test(text)) return undefined
  const inner = text.trim().replace(/^b?(["'])([\s\S]*)\1[;,]?$/, '$2')
  const simple: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, 0: 0, a: 7, b: 8, f: 12, v: 11 }
  const bytes: number[] = []
  for (const [, hex, letter, plain] of inner.matchAll(/\\x([0-9a-f]{2})|\\([\s\S])|([\s\S])/gi)) {
    if (hex !== undefined) bytes.push(Number.parseInt(hex, 16))
    else if (letter !== undefined) bytes.push(simple[letter] ?? letter.charCodeAt(0))
    else if (plain !== '\n' && plain !== '\r') bytes.push(...Buffer.from(plain!))
  }
  return one('an escaped literal', Buffer.from(bytes))
}

/** `[0, 18, 0, 3]` and `[0 18 0 3]`, as Java, JavaScript and Go print bytes. */
function decimals(text: string): DecodedInput | undefined {
  const inner = /^\s*\[([-\d,\s]*)\]\s*$/.exec(text)?.[1]
  const numbers = inner?.split(/[\s,]+/).filter((each) => each !== '')
  if (numbers === undefined || numbers.some((each) => Number(each) < -128 || Number(each) > 255))
    return undefined
  return one('a list of numbers', Buffer.from(numbers.map((each) => Number(each) & 0xff)))
}

function hexDigits(text: string): DecodedInput | undefined {
  const isRest = /\.\.\. \d+ more bytes?>?\s*$/.test(text)
  if (isRest)
    throw new InputTextError('the input ends in "... more bytes": what printed it left the rest out')
  const tokens = text.split(/[\s,;{}()[\]]+/).filter((token) => token !== '')
  // Numbers of one digit are written so: `0x0, 0x12`.
  if (
    tokens.some((token) => /^0x/i.test(token)) &&
    tokens.every((token) => /^(0x)?[0-9a-f]{1,2}$/i.test(token))
  )
    return one('hex', Buffer.from(tokens.map((token) => Number.parseInt(token.replace(/^0x/i, ''), 16))))
  const digits = text
    .replace(/<Buffer\b|>|\[|\]|\{|\}|"|'|^h'/gi, '')
    .replace(/\b0x/gi, '')
    .replace(/[\s,:;_-]/g, '')
  if (!/^[0-9a-f]+$/i.test(digits)) return undefined
  if (digits.length % 2 === 1)
    throw new InputTextError(
      `the hex has ${digits.length} digits: a byte has two, so one is missing or one is too many`,
    )
  return one('hex', Buffer.from(digits, 'hex'))
}

function base64(text: string): DecodedInput | undefined {
  const letters = text.replace(/\s/g, '')
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(letters) || letters.replace(/=/g, '').length % 4 === 1)
    return undefined
  return one('base64', Buffer.from(letters, 'base64'))
}

function fail(text: string): never {
  const lines = text.split('\n')
  for (const [index, line] of lines.entries()) {
    const at = line.search(/[^0-9a-fA-F\s,:;xX\\]/)
    if (at < 0) continue
    const where = `line ${index + 1}, column ${at + 1}`
    throw new InputTextError(`the input is neither hex nor base64: "${line[at]}" at ${where}`)
  }
  throw new InputTextError('the input is neither hex nor base64')
}
