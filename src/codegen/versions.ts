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

/** One statement for all runs; a run whose text is empty needs none. */
export function branch(all: readonly Run[]): string {
  const first = all[0]!.from
  const last = all.at(-1)!.to
  if (all.length === 1) return all[0]!.text
  const needed = all.filter((run) => run.text !== '')
  if (needed.length === 2 && all.length === 2) {
    const otherwise = isSingleIf.test(all[0]!.text) ? all[0]!.text : `{\n${all[0]!.text}\n}`
    return `if (version >= ${all[1]!.from}) {\n${all[1]!.text}\n} else ${otherwise}`
  }
  return needed
    .map((run) => `if (${within(run, first, last)}) {\n${run.text}\n}`)
    .reverse()
    .join(' else ')
}

/** Condition for a range of versions where only `first` to `last` can occur; `true` when it is no condition. */
export function within(run: { from: number; to: number }, first: number, last: number): string {
  if (run.from <= first && run.to >= last) return 'true'
  if (run.from <= first) return `version <= ${run.to}`
  if (run.to >= last) return `version >= ${run.from}`
  if (run.from === run.to) return `version === ${run.from}`
  return `version >= ${run.from} && version <= ${run.to}`
}
