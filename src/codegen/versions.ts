/** Versions that share the same generated text. */
export interface Run {
  readonly from: number
  readonly to: number
  readonly text: string
}

/** Groups `versions` (ascending) by the text that each needs. */
export function runs(versions: readonly number[], textOf: (version: number) => string): Run[] {
  const result: { from: number; to: number; text: string }[] = []
  for (const version of versions) {
    const text = textOf(version)
    const last = result.at(-1)
    if (last?.text === text) last.to = version
    else result.push({ from: version, to: version, text })
  }
  return result
}

/** One expression for all runs: `version >= 9 ? reader.compactString('name') : reader.string('name')`. */
export function choose(all: readonly Run[]): string {
  let text = all[0]!.text
  for (const run of all.slice(1)) text = `version >= ${run.from} ? ${run.text} : ${text}`
  return text
}

/** A statement that needs no braces after `else`. */
const isSingleIf = /^if \(.*\) \{\n[^{}]*\n\}$/

/** One statement for all runs, from the newest down; a run whose text is empty needs none. */
export function branch(all: readonly Run[]): string {
  const first = all[0]!.from
  const last = all.at(-1)!.to
  if (all.length === 1) return all[0]!.text
  let text = ''
  // As long as no run was left out, all newer versions are dealt with already.
  let isComplete = true
  for (const run of all.toReversed()) {
    if (run.text === '') {
      isComplete = false
      continue
    }
    const condition = within(isComplete ? { from: run.from, to: last } : run, first, last)
    const block = `{\n${run.text}\n}`
    if (text === '') text = `if (${condition}) ${block}`
    else if (condition === 'true') text += ` else ${isSingleIf.test(run.text) ? run.text : block}`
    else text += ` else if (${condition}) ${block}`
  }
  return text
}

/** Condition for a range of versions where only `first` to `last` can occur; `true` when it is no condition. */
export function within(run: { from: number; to: number }, first: number, last: number): string {
  if (run.from <= first && run.to >= last) return 'true'
  if (run.from <= first) return run.to === 0 ? 'version === 0' : `version <= ${run.to}`
  if (run.to >= last) return `version >= ${run.from}`
  if (run.from === run.to) return `version === ${run.from}`
  return `version >= ${run.from} && version <= ${run.to}`
}
