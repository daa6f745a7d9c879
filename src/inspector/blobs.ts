import { open, openVersioned } from './content.ts'
import type { Context } from './context.ts'
import type { NodeDraft } from './node-builder.ts'

const SUBSCRIPTION = 'ConsumerProtocolSubscription'
const ASSIGNMENT = 'ConsumerProtocolAssignment'

/** Fields of type bytes whose content is known when the group is one of consumers. */
const blobs: Readonly<Record<string, string>> = {
  'JoinGroupRequest.protocols.metadata': SUBSCRIPTION,
  'JoinGroupResponse.members.metadata': SUBSCRIPTION,
  'SyncGroupRequest.assignments.assignment': ASSIGNMENT,
  'SyncGroupResponse.assignment': ASSIGNMENT,
  'DescribeGroupsResponse.groups.members.memberMetadata': SUBSCRIPTION,
  'DescribeGroupsResponse.groups.members.memberAssignment': ASSIGNMENT,
  'GroupMetadataValue.members.subscription': SUBSCRIPTION,
  'GroupMetadataValue.members.assignment': ASSIGNMENT,
}

/** Opens the bytes of a field when it is one whose content is known. `path` begins with the name of the message. */
export function openBlob(node: NodeDraft, path: string, context: Context): void {
  const name = blobs[path.replace(/\[\d+\]/g, '')]
  if (name === undefined) return
  const spec = context.catalog.message(name)
  let isKnown = false
  const problem = open(node, context, (content) => {
    isKnown = openVersioned(content, spec) !== undefined
  })
  // A group that is none of consumers has bytes of its own there, which are left as they are.
  if (problem !== undefined || !isKnown) node.children.length = 0
}

/** The same for all fields of a message, whose node may stand anywhere. */
export function openBlobs(message: NodeDraft, name: string, context: Context): void {
  const visit = (node: NodeDraft) => {
    if (node.type === 'bytes') openBlob(node, `${name}${node.path.slice(message.path.length)}`, context)
    else for (const child of node.children) visit(child)
  }
  visit(message)
}
