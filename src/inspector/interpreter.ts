import { type FieldSpec, includes, type MessageSpec, type StructSpec } from '../specs/spec.ts'
import { isFlexible } from './catalog.ts'
import type { Context } from './context.ts'
import { Cursor, type FixedType } from './cursor.ts'
import { arrayEncoding, encodingOf, typeText } from './encodings.ts'
import { leastElementBytes } from './least-bytes.ts'
import type { Problem, Region } from './node.ts'
import { NodeBuilder, type NodeDraft } from './node-builder.ts'
import { count, hex } from './words.ts'

const MAX_INT16 = 0x7fff

/**
 * Reads messages by their specs alone, field by field, and keeps what each was made of. Slow and exact: the generated codecs are checked
 * against it.
 */
export class Interpreter {
  readonly cursor: Cursor
  /** A mistake after which reading could go on. */
  problem: Problem | undefined
  readonly builder: NodeBuilder
  #flexible = false
  #isHeader = false
  #version = 0

  /** `end`: where the message ends by what is said of its size; the bytes of the region may end before. */
  constructor(region: Region, position: number, end: number, context: Context) {
    this.cursor = new Cursor(region, position, end, context.dialect)
    this.builder = new NodeBuilder(region, context.budget)
  }

  /** Reads a message from where the cursor stands into a node of its own. Throws `Stop`; what was read by then is below `parent`. */
  message(spec: MessageSpec, version: number, name: string, parent: NodeDraft, path = ''): NodeDraft {
    this.#version = version
    this.#flexible = isFlexible(spec, version)
    this.#isHeader = spec.name.endsWith('Header')
    const node = this.builder.open(this.cursor.position, 'struct', name, path, spec.name, parent)
    node.description = spec.description
    return this.#within(node, () => this.#struct(spec.root, node, true))
  }

  /** Closes a node at the cursor, also when reading stops inside of it. */
  #within(node: NodeDraft, read: () => void): NodeDraft {
    try {
      read()
    } finally {
      node.length = this.cursor.position - node.position
    }
    return node
  }

  #struct(spec: StructSpec, node: NodeDraft, isRoot: boolean): void {
    for (const field of spec.fields) {
      if (field.tag === undefined && includes(field.versions, this.#version)) this.#field(field, node, node)
    }
    if (this.#flexible) this.#tags(spec, node, isRoot)
  }

  /** `owner` is the struct that gives the path; `parent` holds the node. */
  #field(field: FieldSpec, owner: NodeDraft, parent: NodeDraft): NodeDraft {
    const path = owner.path === '' ? field.name : `${owner.path}.${field.name}`
    const kind = field.isArray ? 'array' : field.struct === undefined ? 'value' : 'struct'
    const node = this.builder.open(this.cursor.position, kind, field.name, path, typeText(field), parent)
    node.field = field
    node.description = field.description
    return this.#within(node, () => {
      if (field.isArray) this.#array(field, node)
      else this.#item(field, node)
    })
  }

  #array(field: FieldSpec, node: NodeDraft): void {
    const elements = this.#count(field, node)
    if (elements === undefined) return
    for (let index = 0; index < elements; index++) {
      const name = `[${index}]`
      const path = `${node.path}${name}`
      const isKept = this.builder.keeps(index)
      if (!isKept) node.omitted++
      const into = isKept ? node : this.builder.discard()
      const kind = field.struct === undefined ? 'value' : 'struct'
      const element = this.builder.open(this.cursor.position, kind, name, path, field.type, into)
      this.#within(element, () => this.#element(field, element))
    }
  }

  #element(field: FieldSpec, node: NodeDraft): void {
    if (field.struct !== undefined) this.#struct(field.struct, node, false)
    else this.#value({ ...field, nullable: undefined, isArray: false }, node)
  }

  /** Reads how many elements an array has; undefined for null. */
  #count(field: FieldSpec, node: NodeDraft): number | undefined {
    const { cursor } = this
    const { position, path } = node
    const isCompact = this.#isCompact(field)
    const isNullable = includes(field.nullable, this.#version)
    node.encoding = arrayEncoding(field, isCompact, isNullable)
    const elements = this.#length(field, path, 'int32')
    node.headLength = cursor.position - position
    if (elements < 0 && this.#isNull(elements, position, path, isNullable, 'a count')) {
      node.value = null
      return undefined
    }
    // Who leaves out tagged fields needs less room than the spec says.
    const isShort = cursor.dialect.missingTags !== undefined
    const least = isShort ? 1 : leastElementBytes(field, this.#version, this.#flexible)
    if (elements * least > cursor.remaining) {
      const found = `${hex(this.#bytesFrom(position))} says ${count(elements, 'element')}`
      const room = `at most ${Math.floor(cursor.remaining / least)}, for which the ${count(cursor.remaining, 'byte')} behind have room`
      cursor.fail('length', position, path, found, room, 'the message is shifted here, or the count is wrong')
    }
    return elements
  }

  /** A field that is no array. */
  #item(field: FieldSpec, node: NodeDraft): void {
    if (field.struct === undefined) {
      this.#value(field, node)
      return
    }
    if (includes(field.nullable, this.#version)) {
      // KIP-893: a byte tells null from a value; as a tagged field null is 0.
      const marker = this.cursor.int8(node.path)
      node.headLength = 1
      node.encoding =
        field.tag === undefined ? 'struct behind a byte, -1 is null' : 'struct behind a byte, 0 is null'
      if (field.tag === undefined ? marker < 0 : marker <= 0) {
        node.value = null
        return
      }
    }
    this.#struct(field.struct, node, false)
  }

  #value(field: FieldSpec, node: NodeDraft): void {
    const { cursor } = this
    const { path } = node
    const isCompact = this.#isCompact(field)
    const isNullable = includes(field.nullable, this.#version)
    node.encoding = encodingOf(field, isCompact, isNullable)
    switch (field.type) {
      case 'bool':
        node.value = cursor.int8(path) !== 0
        break
      case 'uuid':
        node.value = cursor.take(16, path).toString('base64url')
        break
      case 'varint':
        node.value = cursor.varint(path)
        break
      case 'varlong':
        node.value = cursor.varlong(path)
        break
      case 'uvarint':
        node.value = cursor.unsignedVarint(path)
        break
      case 'string':
      case 'bytes':
      case 'records':
        this.#bytes(field, node, isNullable)
        break
      default:
        node.value = cursor.fixed(field.type as FixedType, path)
    }
    node.headLength = cursor.position - node.position
  }

  #bytes(field: FieldSpec, node: NodeDraft, isNullable: boolean): void {
    const { cursor } = this
    const { position, path } = node
    const length = this.#length(field, path, field.type === 'string' ? 'int16' : 'int32')
    if (length < 0 && this.#isNull(length, position, path, isNullable, 'a length')) {
      node.value = null
      return
    }
    if (length > cursor.remaining) {
      const found = `${hex(this.#bytesFrom(position))} says ${count(length, 'byte')}`
      const room = `at most ${cursor.remaining}, which is all that is left of the message`
      cursor.fail(
        'length',
        position,
        path,
        found,
        room,
        'the message is shifted here, or the length is wrong',
      )
    }
    const bytes = cursor.take(length, path)
    node.value = field.type === 'string' ? bytes.toString('utf8') : bytes
  }

  /** A length or count of the form that the field has; negative for null. */
  #length(field: FieldSpec, path: string, classic: 'int16' | 'int32'): number {
    const { cursor } = this
    if (field.varintLength) return cursor.varint(path)
    if (isClientId(field) && cursor.dialect.compactClientId === true) return this.#compactClientId(path)
    if (!this.#isCompact(field)) return cursor.fixed(classic, path) as number
    return cursor.compactLength(path, includes(field.nullable, this.#version))
  }

  #compactClientId(path: string): number {
    const { cursor } = this
    const start = cursor.position
    const length = cursor.compactLength(path, true)
    const due = Buffer.alloc(2)
    due.writeInt16BE(Math.min(length, MAX_INT16))
    cursor.deviate(start, path, `${hex(this.#bytesFrom(start))} is a compact length`, `${hex(due)}, an int16`)
    return length
  }

  #isCompact(field: FieldSpec): boolean {
    return this.#flexible && !field.classicLength
  }

  /** What a negative length or count means; fails when it may not be. */
  #isNull(length: number, start: number, path: string, isNullable: boolean, what: string): boolean {
    const { cursor } = this
    // As Kafka does, every negative length is taken for null where null is allowed.
    if (isNullable || (length === -1 && cursor.allowsNull(start, path))) return true
    const bytes = hex(this.#bytesFrom(start))
    const expected = `${what} of 0 or more${length === -1 ? ', since this field may not be null' : ''}`
    const cause = length === -1 ? 'the sender writes null for what is empty' : 'the message is shifted here'
    return cursor.fail(
      length === -1 ? 'null' : 'length',
      start,
      path,
      `${bytes} is ${length === -1 ? 'null' : length}`,
      expected,
      cause,
    )
  }

  #tags(spec: StructSpec, node: NodeDraft, isRoot: boolean): void {
    const { cursor, builder } = this
    const path = node.path === '' ? 'tagged fields' : `${node.path}.tagged fields`
    if (this.#lacksTags(spec, isRoot)) {
      cursor.deviate(cursor.position, path, 'the count of tagged fields is missing', '00')
      return
    }
    const tags = builder.open(cursor.position, 'tags', 'tagged fields', path, 'tagged fields', node)
    tags.description = 'Fields that a receiver may skip, by ascending tag (KIP-482).'
    tags.encoding = 'count as unsigned varint'
    this.#within(tags, () => {
      const entries = cursor.unsignedVarint(path)
      tags.headLength = cursor.position - tags.position
      if (entries * 2 > cursor.remaining) {
        const found = `${hex(this.#bytesFrom(tags.position))} says ${count(entries, 'tagged field')}`
        const room = `at most ${cursor.remaining >> 1}, for which there is room; mostly 00, for none`
        const cause = 'the tagged fields of a struct were left out, or the message is shifted here'
        cursor.fail('length', tags.position, path, found, room, cause)
      }
      let previous = -1
      for (let index = 0; index < entries; index++) previous = this.#tag(spec, node, tags, previous, index)
    })
  }

  #lacksTags(spec: StructSpec, isRoot: boolean): boolean {
    const { missingTags } = this.cursor.dialect
    if (missingTags === undefined || this.#isHeader) return false
    if (typeof missingTags === 'object') return missingTags.struct === spec.name
    return missingTags === 'everywhere' || (missingTags === 'root') === isRoot
  }

  /** One tagged field: its tag, its size, its value. Returns the tag. */
  #tag(spec: StructSpec, owner: NodeDraft, tags: NodeDraft, previous: number, index: number): number {
    const { cursor, builder } = this
    const start = cursor.position
    const into = builder.keeps(index) ? tags : builder.discard()
    if (into !== tags) tags.omitted++
    const tag = cursor.unsignedVarint(tags.path)
    if (tag <= previous) {
      const [found, expected] =
        tag === previous
          ? [`tag ${tag} again`, 'each tag once']
          : [`tag ${tag} behind tag ${previous}`, 'tags that ascend']
      const cause = 'the sender writes tagged fields in the order of their definition, or from a map'
      this.problem ??= cursor.problem('tag order', start, tags.path, found, expected, cause)
    }
    const sizeAt = cursor.position
    const size = cursor.unsignedVarint(tags.path)
    const node = builder.open(start, 'tag', `tag ${tag}`, `${tags.path}[${tag}]`, 'tagged field', into)
    node.encoding = 'tag and size as unsigned varints'
    node.headLength = cursor.position - start
    this.#within(node, () => {
      if (size > cursor.remaining) {
        const found = `tag ${tag} says ${count(size, 'byte')}`
        const room = `at most ${cursor.remaining}, which is all that is left of the message`
        cursor.fail('length', sizeAt, node.path, found, room, 'the message is shifted here')
      }
      const end = cursor.position + size
      const field = spec.fields.find((each) => each.tag === tag && includes(each.versions, this.#version))
      if (field === undefined) this.#unknownTag(node, size)
      else this.#field(field, owner, node)
      if (cursor.position === end) return
      const used = size + cursor.position - end
      cursor.position = sizeAt + 1
      const found = `${count(size, 'byte')} for tag ${tag}`
      cursor.fail('tag size', sizeAt, node.path, found, `${used}, which is what its value takes`)
    })
    return tag
  }

  #unknownTag(parent: NodeDraft, size: number): void {
    const { cursor } = this
    const node = this.builder.open(cursor.position, 'value', 'unknown', parent.path, 'bytes', parent)
    node.description = 'A field that this spec does not know; receivers keep or skip it.'
    node.encoding = 'bytes'
    this.#within(node, () => {
      node.value = cursor.take(size, parent.path)
    })
    node.headLength = node.length
  }

  #bytesFrom(start: number): Buffer {
    const { bytes, origin } = this.cursor.region
    return bytes.subarray(start - origin, this.cursor.position - origin)
  }
}

function isClientId({ name, classicLength }: FieldSpec): boolean {
  return name === 'clientId' && classicLength
}
