import { InspectionVectors } from './inspections.ts'
import { type MessageVector, MessageVectors } from './message-vectors.ts'
import { checkMiscVector } from './misc.ts'
import { failed, type Outcome } from './outcome.ts'
import { readVectors, type Vector } from './read-vectors.ts'
import { checkRecordBatchVector } from './record-batches.ts'

/** Names of messages; what is named otherwise is a vector of something else. */
const messageName = /(Request|Response|Record|Key|Value)$/

/** What became of the vectors of some files. */
export interface Totals {
  passed: number
  failed: number
  skipped: number
  /** One line for each failure. */
  readonly failures: string[]
  /** Why vectors were skipped, with their counts. */
  readonly skippedNames: Map<string, number>
}

/** Checks all vectors of the files. */
export async function runVectors(paths: readonly string[]): Promise<Totals> {
  const messages = await MessageVectors.load()
  const inspections = InspectionVectors.load()
  const totals: Totals = { passed: 0, failed: 0, skipped: 0, failures: [], skippedNames: new Map() }
  for (const path of paths) {
    readVectors(path).forEach((vector, index) => {
      count(totals, check(messages, inspections, vector), `${path}:${index + 1} ${titleOf(vector)}`)
    })
  }
  return totals
}

function check(messages: MessageVectors, inspections: InspectionVectors, vector: Vector): Outcome {
  try {
    const outcome = checkCodec(messages, vector)
    // The inspector reads the same bytes without the generated code.
    return outcome.status === 'passed' ? inspections.check(vector) : outcome
  } catch (error) {
    return failed(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
  }
}

function checkCodec(messages: MessageVectors, vector: Vector): Outcome {
  if (vector.message === 'RecordBatch') return checkRecordBatchVector(vector)
  if (messageName.test(vector.message) || messages.codecs.has(vector.message))
    return messages.check(vector as unknown as MessageVector)
  return checkMiscVector(vector)
}

function count(totals: Totals, outcome: Outcome, title: string): void {
  totals[outcome.status]++
  if (outcome.status === 'failed') totals.failures.push(`${title}: ${outcome.why}`)
  if (outcome.status === 'skipped')
    totals.skippedNames.set(outcome.why, (totals.skippedNames.get(outcome.why) ?? 0) + 1)
}

function titleOf(vector: Vector): string {
  const parts = [
    vector.message,
    vector.kind,
    vector.version === undefined ? undefined : `v${vector.version}`,
    vector.case,
  ]
  return parts.filter((part) => part !== undefined).join(' ')
}
