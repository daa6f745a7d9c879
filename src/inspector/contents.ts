import { openBlob } from './blobs.ts'
import type { Context } from './context.ts'
import { firstProblem, type Problem } from './node.ts'
import type { NodeDraft } from './node-builder.ts'
import { inspectRecords } from './record-batches.ts'

/** Opens what lies inside of fields of a message: record batches, and what members of a group tell each other. */
export function openContents(body: NodeDraft, context: Context): Problem | undefined {
  return visit(body, body, undefined, context)
}

function visit(
  body: NodeDraft,
  node: NodeDraft,
  outerTopic: string | undefined,
  context: Context,
): Problem | undefined {
  let problem: Problem | undefined
  const topic = topicOf(node) ?? outerTopic
  for (const child of node.children) {
    problem = firstProblem(problem, visit(body, child, topic, context))
  }
  if (Buffer.isBuffer(node.value) && node.value.length > 0) {
    if (node.type === 'records') problem = firstProblem(problem, openRecordsOf(body, node, topic, context))
    else if (node.type === 'bytes') openBlob(node, `${body.type}.${node.path}`, context)
  }
  return problem
}

/** Name of the topic that a struct tells of. */
function topicOf(node: NodeDraft): string | undefined {
  const named = node.children.find(
    (child) => child.field?.entityType === 'topicName' && child.kind === 'value',
  )
  return typeof named?.value === 'string' ? named.value : undefined
}

function openRecordsOf(
  body: NodeDraft,
  node: NodeDraft,
  topic: string | undefined,
  context: Context,
): Problem | undefined {
  const end = node.position + node.length
  const start = end - (node.value as Buffer).length
  // A broker cuts its answer where the client's limit is, also within a batch.
  const options = { topic, mayBeCut: body.type.endsWith('Response') }
  return inspectRecords(node.region, start, end, node, context, options).problem
}
