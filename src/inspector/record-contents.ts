import { openBlobs } from './blobs.ts'
import { type Content, open, openVersioned } from './content.ts'
import type { Context } from './context.ts'
import { firstProblem, type Problem } from './node.ts'
import type { NodeDraft } from './node-builder.ts'

const COMMIT_OR_ABORT = 1

/** Decodes key and value of a record of an internal topic; of other topics nothing is known. */
export function openRecord(
  record: NodeDraft,
  topic: string | undefined,
  context: Context,
): Problem | undefined {
  const [key, value] = [part(record, 'key'), part(record, 'value')]
  if (topic === '__cluster_metadata' || topic === '__remote_log_metadata')
    return open(value, context, (content) => openPrefixed(content, topic))
  if (topic === undefined || !topic.startsWith('__')) return undefined
  let type: number | undefined
  const inKey = open(key, context, (content) => {
    type = Number(content.prefix('RecordKeyPrefix').children[0]!.value)
    const spec = context.catalog.record(topic, 'Key', type)
    if (spec === undefined) return
    content.message(spec, 0, spec.name)
    content.end()
  })
  const inValue = open(value, context, (content) => {
    const spec = type === undefined ? undefined : context.catalog.record(topic, 'Value', type)
    if (spec === undefined) return
    const message = openVersioned(content, spec)
    if (message !== undefined) openBlobs(message, spec.name, context)
  })
  return firstProblem(inKey, inValue)
}

/** Decodes key and value of a control record. */
export function openControlRecord(record: NodeDraft, context: Context): Problem | undefined {
  const [key, value] = [part(record, 'key'), part(record, 'value')]
  let type: number | undefined
  const inKey = open(key, context, (content) => {
    content.prefix('VersionPrefix')
    const schema = content.message(context.catalog.message('ControlRecordTypeSchema'), 0, 'type')
    type = Number(schema.children[0]!.value)
    content.end()
  })
  const inValue = open(value, context, (content) => {
    const spec = type === undefined ? undefined : context.catalog.controlRecord(type)
    if (spec === undefined) return
    if (type! <= COMMIT_OR_ABORT) openVersioned(content, spec)
    else {
      // These begin with their version as their first field.
      content.message(spec, content.peek(), spec.name)
      content.end()
    }
  })
  return firstProblem(inKey, inValue)
}

function openPrefixed(content: Content, topic: string): void {
  const [, type, version] = content
    .prefix('MetadataRecordPrefix')
    .children.map((child) => Number(child.value))
  const spec = content.context.catalog.record(topic, 'Record', type!)
  if (spec === undefined || version! > spec.versions.to) return
  content.message(spec, version!, spec.name)
  content.end()
}

function part(record: NodeDraft, name: string): NodeDraft | undefined {
  return record.children.find((child) => child.name === name)
}
