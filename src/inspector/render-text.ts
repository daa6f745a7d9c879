import { bytesOf, type InspectedNode, type InspectedValue, type Problem, sentence, slice } from './node.ts'
import { paint, type Style } from './paint.ts'
import { count, hex, wrap } from './words.ts'

const BYTES_PER_ROW = 8
const BYTES_WIDTH = 3 * BYTES_PER_ROW - 1
/** Longer runs of bytes are cut: their beginning says enough. */
const MAX_ROWS = 3
const MAX_TEXT = 200

export interface RenderOptions {
  /** Whether to use the colours of a terminal. */
  readonly color: boolean
  /** Of a line, in characters. */
  readonly width: number
  /** Whether each field is told with its encoding and its description. */
  readonly withDescriptions?: boolean
}

/**
 * A tree as text: where each field begins, its bytes, its name and its value. With a problem, a caret stands below the first wrong byte
 * and the sentence below it. Positions in a decompressed block have a `~` before them.
 */
export function renderTree(
  root: InspectedNode,
  problem: Problem | undefined,
  options: RenderOptions,
): string {
  return new TreeRenderer(root, problem, options).render()
}

class TreeRenderer {
  readonly #root: InspectedNode
  readonly #options: RenderOptions
  readonly #positionWidth: number
  #lines: string[] = []
  /** Until it has been told. */
  #problem: Problem | undefined

  constructor(root: InspectedNode, problem: Problem | undefined, options: RenderOptions) {
    this.#root = root
    this.#problem = problem
    this.#options = options
    const last = Math.max(root.position + root.length, problem?.position ?? 0)
    this.#positionWidth = Math.max(5, `${last}`.length + 1)
  }

  render(): string {
    this.#node(this.#root, -1)
    if (this.#problem !== undefined) this.#unread(this.#problem)
    return `${this.#lines.join('\n')}\n`
  }

  #node(node: InspectedNode, depth: number): void {
    if (depth >= 0) this.#line(node, depth)
    // What is only there to hold a field needs no line of its own.
    for (const child of node.children) this.#node(child, depth + 1)
    if (node.omitted > 0) this.#plain(depth + 1, `... ${node.omitted} more left out`)
  }

  #line(node: InspectedNode, depth: number): void {
    const own = ownBytes(node)
    const label = `${'  '.repeat(depth)}${this.#paint('name', node.name)}`
    const text = [label, this.#value(node), this.#note(node)].filter((part) => part !== '').join('  ')
    const rows = Math.max(1, Math.min(MAX_ROWS, Math.ceil(own.length / BYTES_PER_ROW)))
    for (let row = 0; row < rows; row++) {
      const start = row * BYTES_PER_ROW
      const bytes = own.subarray(start, start + BYTES_PER_ROW)
      const position = row === 0 || bytes.length > 0 ? this.#position(node, node.position + start) : ''
      this.#row(own.length === 0 ? '' : position, hex(bytes), row === 0 ? text : '')
      this.#caret(node, node.position + start, bytes.length)
    }
    const left = own.length - rows * BYTES_PER_ROW
    if (left > 0) this.#row('', `... ${count(left, 'byte')} more`, '')
    if (left > 0) this.#caret(node, node.position + rows * BYTES_PER_ROW, left)
    if (this.#options.withDescriptions === true) this.#describe(node, depth)
  }

  #value(node: InspectedNode): string {
    const { kind, value, type } = node
    if (value !== undefined) return this.#paint(styleOf(value), valueText(value))
    if (kind === 'array') {
      const elements = node.children.length + node.omitted
      return this.#paint('dim', `${count(elements, 'element')}`)
    }
    if (kind === 'tags') return this.#paint('dim', node.children.length === 0 ? 'none' : '')
    return kind === 'struct' && type !== node.name ? this.#paint('dim', type) : ''
  }

  #note({ note }: InspectedNode): string {
    return note === '' ? '' : this.#paint('dim', note)
  }

  #describe({ type, encoding, description, kind }: InspectedNode, depth: number): void {
    const form = formOf(type, kind === 'struct' ? '' : encoding)
    const text = [form, description].filter((part) => part !== '').join(' ')
    const indent = ' '.repeat(this.#left() + 2 * depth + 2)
    for (const line of wrap(text, Math.max(30, this.#options.width - indent.length)))
      this.#lines.push(`${indent}${this.#paint('dim', line)}`)
  }

  #plain(depth: number, text: string): void {
    this.#row('', '', `${'  '.repeat(depth)}${this.#paint('dim', text)}`)
  }

  #row(position: string, bytes: string, text: string): void {
    const left = `${this.#paint('dim', position.padStart(this.#positionWidth))}  ${bytes.padEnd(BYTES_WIDTH)}`
    this.#lines.push(`${left}  ${text}`.trimEnd())
  }

  /** Characters in front of the names. */
  #left(): number {
    return this.#positionWidth + BYTES_WIDTH + 4
  }

  #position({ region }: Pick<InspectedNode, 'region'>, position: number): string {
    return region.block === undefined ? `${position}` : `~${position}`
  }

  /** Tells the problem when its first byte is among these. */
  #caret(node: InspectedNode, start: number, length: number): void {
    const problem = this.#problem
    if (problem === undefined || problem.region !== node.region || problem.length === 0) return
    if (problem.position < start || problem.position >= start + length) return
    this.#tell(problem, Math.min(problem.position - start, BYTES_PER_ROW - 1))
  }

  /** Carets below the wrong bytes of the last row, from its byte `at` on, and the sentence. */
  #tell(problem: Problem, at: number): void {
    const carets = Math.max(1, Math.min(problem.length, BYTES_PER_ROW - at))
    const marks = Array<string>(carets).fill('^^').join(' ')
    const indent = ' '.repeat(this.#positionWidth + 2)
    this.#lines.push(`${indent}${'   '.repeat(at)}${this.#paint('problem', marks)}`)
    for (const line of wrap(sentence(problem), Math.max(40, this.#options.width - indent.length)))
      this.#lines.push(`${indent}${this.#paint('problem', line)}`)
    this.#problem = undefined
  }

  /** The problem lies where no field was read: behind the last one, or where bytes are missing. */
  #unread(problem: Problem): void {
    const { region, position } = problem
    const bytes = slice(region, position, BYTES_PER_ROW)
    this.#row(
      this.#position(problem, position),
      hex(bytes),
      this.#paint('dim', bytes.length === 0 ? '(nothing)' : '(not read)'),
    )
    this.#tell(problem, 0)
  }

  #paint(style: Style, text: string): string {
    return this.#options.color ? paint(style, text) : text
  }
}

/** The bytes that a line shows: those of the field itself, without those of its children. */
export function ownBytes(node: InspectedNode): Buffer {
  const { headLength, length, children, value } = node
  if (children.length === 0) return bytesOf(node)
  // What was opened shows its length only; its content follows below.
  if (Buffer.isBuffer(value)) return slice(node.region, node.position, Math.max(0, length - value.length))
  return slice(node.region, node.position, opensBlock(node) ? length : headLength)
}

/** Whether the children lie in what was decompressed from the node's own bytes. */
function opensBlock({ region, children }: InspectedNode): boolean {
  return children[0] !== undefined && children[0].region !== region
}

/** A value in a few words. */
export function valueText(value: InspectedValue): string {
  if (Buffer.isBuffer(value)) return value.length === 0 ? 'no bytes' : bytesText(value)
  if (typeof value !== 'string') return `${value}`
  const text = quoted(value)
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}... (${count(value.length, 'character')})` : text
}

function bytesText(bytes: Buffer): string {
  const size = count(bytes.length, 'byte')
  const text = bytes.subarray(0, MAX_TEXT).toString('utf8')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is these that a text does not have
  const isText = !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffd]/.test(text)
  if (!isText) return size
  const shown = quoted(text)
  return bytes.length > MAX_TEXT ? `${size} ${shown}...` : `${size} ${shown}`
}

/** Also without the control characters that JSON lets through: a terminal would obey them. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  )
}

/** Type and encoding in one phrase. */
export function formOf(type: string, encoding: string): string {
  if (encoding === '') return ''
  return encoding.includes(type) ? `${encoding}.` : `${type}: ${encoding}.`
}

function styleOf(value: InspectedValue): Style {
  if (value === null) return 'null'
  return typeof value === 'string' || Buffer.isBuffer(value) ? 'text' : 'number'
}
