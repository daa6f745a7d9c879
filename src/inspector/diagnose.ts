import type { Catalog } from './catalog.ts'
import { type FrameInspection, type FrameOptions, inspectFrame } from './frames.ts'
import { type Hypothesis, hypotheses } from './hypotheses.ts'
import { type InspectedNode, type Problem, slice, walk } from './node.ts'
import { isPlausible, oddity } from './plausibility.ts'
import { count, hex } from './words.ts'

/** Bytes that all readings of a frame together may go over. */
const MAX_WORK_BYTES = 64 * 1024 * 1024
/** What a reading keeps: enough to judge it. */
const MAX_ELEMENTS = 100
const MAX_NODES = 20_000

/**
 * Finds out what went wrong in a frame that cannot be read: it is read again as each known mistake would have written it, and the
 * mistake under which all of it fits is named. Undefined when none explains it.
 */
export function diagnoseFrame(
  failed: FrameInspection,
  options: FrameOptions,
  catalog: Catalog,
): Problem | undefined {
  const length = Math.max(
    1,
    Math.min(failed.end, failed.region.origin + failed.region.bytes.length) - failed.position,
  )
  let best: { hypothesis: Hypothesis; reading: FrameInspection } | undefined
  let least = Number.POSITIVE_INFINITY
  let work = 0
  for (const hypothesis of hypotheses(failed, catalog)) {
    work += length
    if (work > MAX_WORK_BYTES) break
    const reading = read(failed, { ...options, ...hypothesis.options }, hypothesis, catalog)
    if (reading === undefined || !isPlausible(reading.root, catalog)) continue
    const odd = oddity(reading.root, catalog)
    if (odd >= least) continue
    least = odd
    best = { hypothesis, reading }
    if (odd === 0) break
  }
  return best && problemOf(best.hypothesis, best.reading, failed)
}

/** Reads the frame as the hypothesis has it; undefined when it does not fit, or does not make a difference. */
function read(
  { region, position }: FrameInspection,
  options: FrameOptions,
  { kind, dialect }: Hypothesis,
  catalog: Catalog,
): FrameInspection | undefined {
  const budget = { maxElements: MAX_ELEMENTS, nodesLeft: MAX_NODES }
  const reading = inspectFrame(
    region,
    position,
    { ...options, opensContents: false },
    { catalog, dialect, budget },
  )
  if (!reading.isComplete || reading.ownProblem !== undefined) return undefined
  const needsDeviation = Object.keys(dialect).length > 0 && kind !== 'header version'
  return needsDeviation && reading.deviation === undefined ? undefined : reading
}

function problemOf(hypothesis: Hypothesis, reading: FrameInspection, failed: FrameInspection): Problem {
  const { kind, cause } = hypothesis
  const { region } = failed
  if (hypothesis.options.end !== undefined) return sizeProblem(hypothesis, reading, failed)
  const { deviation } = reading
  if (deviation !== undefined && kind !== 'header version') return { kind, region, ...deviation, cause }
  const [own, other] = divergence(failed.root, reading.root)
  const start = other ?? own ?? reading.root
  const bytes = slice(region, start.position, Math.max(1, Math.min(start.headLength, 8)))
  return {
    kind,
    region,
    position: start.position,
    length: bytes.length,
    path: own?.path ?? '',
    found: other === undefined ? 'the message ends here' : `${hex(bytes)} is ${titleOf(other, reading)}`,
    expected: own === undefined ? 'the end' : titleOf(own, failed),
    cause,
  }
}

function sizeProblem(
  { kind, cause }: Hypothesis,
  reading: FrameInspection,
  failed: FrameInspection,
): Problem {
  const { region, position } = failed
  const bytes = slice(region, position, 4)
  const due = reading.root.length - bytes.length
  const right = Buffer.alloc(4)
  right.writeInt32BE(due)
  return {
    kind,
    region,
    position,
    length: bytes.length,
    path: 'size',
    found: `${hex(bytes)} says ${count(bytes.readInt32BE(), 'byte')}`,
    expected: `${hex(right)}, for ${count(due, 'byte')} follow`,
    cause,
  }
}

/** The first fields in which two readings of the same bytes differ. */
function divergence(
  one: InspectedNode,
  other: InspectedNode,
): readonly [InspectedNode | undefined, InspectedNode | undefined] {
  const [left, right] = [fields(one), fields(other)]
  let at = 0
  while (at < left.length && at < right.length && isSame(left[at]!, right[at]!)) at++
  return [left[at], right[at]]
}

/** Nodes that have bytes of their own. */
function fields(root: InspectedNode): InspectedNode[] {
  return [...walk(root)].filter((node) => node.kind !== 'struct' || node.headLength > 0)
}

function isSame(one: InspectedNode, other: InspectedNode): boolean {
  return (
    one.position === other.position &&
    one.path === other.path &&
    one.headLength === other.headLength &&
    one.encoding === other.encoding
  )
}

/** A field with what it belongs to. */
function titleOf(node: InspectedNode, { role, version, headerVersion }: FrameInspection): string {
  if (node.path.startsWith('header'))
    return `${node.path.replace('header.', '')} of ${role} header version ${headerVersion}`
  return `${node.path} of version ${version}`
}
