import type { MessageSpec } from '../specs/spec.ts'
import type { Context } from './context.ts'
import { Stop } from './cursor.ts'
import { Interpreter } from './interpreter.ts'
import { firstProblem, type Inspection, type Problem, type Region } from './node.ts'
import { draft } from './node-builder.ts'
import { annotate } from './notes.ts'
import { count } from './words.ts'

/** Reads one message without a header from `position` to the end of the region, where it has to end. */
export function inspectMessage(
  spec: MessageSpec,
  version: number,
  region: Region,
  position: number,
  context: Context,
): Inspection {
  const end = region.origin + region.bytes.length
  const interpreter = new Interpreter(region, position, end, context)
  const holder = draft(region, position, 'struct', spec.name, '', spec.name)
  let problem: Problem | undefined
  try {
    interpreter.message(spec, version, spec.name, holder)
    const { cursor } = interpreter
    const start = cursor.position
    const left = cursor.remaining
    if (left > 0) {
      cursor.position = end
      cursor.fail(
        'left over',
        start,
        '',
        `${count(left, 'byte')} behind the last field`,
        'the end of the message',
      )
    }
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    problem = error.problem
  }
  annotate(holder, context.catalog)
  const root = holder.children[0]!
  return { title: `${spec.name} ${version}`, root, problem: firstProblem(interpreter.problem, problem) }
}
