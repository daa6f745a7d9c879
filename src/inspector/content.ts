import type { MessageSpec } from '../specs/spec.ts'
import type { Context } from './context.ts'
import { Stop } from './cursor.ts'
import { Interpreter } from './interpreter.ts'
import { firstProblem, type Problem, slice } from './node.ts'
import { leaf, type NodeDraft } from './node-builder.ts'
import { annotate } from './notes.ts'

/** Reads one message after the other in the bytes of a node, into its children. */
export class Content {
  readonly #node: NodeDraft
  readonly #interpreter: Interpreter
  readonly context: Context

  constructor(node: NodeDraft, context: Context) {
    this.#node = node
    this.context = context
    const { length } = node.value as Buffer
    const end = node.position + node.length
    this.#interpreter = new Interpreter(node.region, end - length, end, context)
  }

  /** Reads a layout whose fields show as fields of the node itself. */
  prefix(name: string): NodeDraft {
    return this.message(this.context.catalog.message(name), 0, 'prefix')
  }

  message(spec: MessageSpec, version: number, name: string): NodeDraft {
    return this.#interpreter.message(spec, version, name, this.#node, `${this.#node.path}.${name}`)
  }

  /** The int16 that comes next, without taking it. */
  peek(): number {
    const { cursor } = this.#interpreter
    const start = cursor.position
    const value = cursor.int16(`${this.#node.path}.version`)
    cursor.position = start
    return value
  }

  /** Nothing may be left. */
  end(): void {
    const { cursor } = this.#interpreter
    const start = cursor.position
    const left = cursor.remaining
    if (left === 0) return
    cursor.position = cursor.end
    cursor.fail(
      'left over',
      start,
      this.#node.path,
      `${left} bytes behind the last field`,
      'the end of the value',
    )
  }

  /** Keeps what nothing is known of. */
  rest(): void {
    const { position, remaining, region, end } = this.#interpreter.cursor
    if (remaining === 0) return
    const bytes = slice(region, position, end - position)
    const description = 'This description does not know what these bytes are.'
    const path = `${this.#node.path}.rest`
    this.#node.children.push(leaf(region, position, remaining, 'rest', bytes, { path, description }))
  }

  get problem(): Problem | undefined {
    return this.#interpreter.problem
  }
}

/** Reads a version and the message in it; undefined when that version is not known. */
export function openVersioned(content: Content, spec: MessageSpec): NodeDraft | undefined {
  const prefix = content.prefix('VersionPrefix')
  const version = Number(prefix.children[0]!.value)
  if (version < spec.versions.from || version > spec.versions.to) return undefined
  const message = content.message(spec, version, spec.name)
  content.end()
  return message
}

/** Opens the bytes of a node; what could be read of them becomes its children. */
export function open(
  node: NodeDraft | undefined,
  context: Context,
  read: (content: Content) => void,
): Problem | undefined {
  if (node === undefined || !Buffer.isBuffer(node.value)) return undefined
  const content = new Content(node, context)
  let problem: Problem | undefined
  try {
    read(content)
    content.rest()
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    problem = error.problem
  }
  for (const child of node.children) annotate(child, context.catalog)
  return firstProblem(content.problem, problem)
}
