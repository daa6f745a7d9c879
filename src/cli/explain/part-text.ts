import type { Explained } from '../../inspector/explain.ts'
import { paint } from '../../inspector/paint.ts'
import { type RenderOptions, renderTree } from '../../inspector/render-text.ts'
import { wrap } from '../../inspector/words.ts'

/** One frame or file as text: its title, how sure that is, and its tree. */
export function partText(part: Explained, label: string, options: RenderOptions): string {
  const { title, certainty, root, problem } = part
  const style = (name: 'title' | 'dim', text: string) => (options.color ? paint(name, text) : text)
  const heading = label === '' ? title : `${title}, ${label}`
  const lines = [
    style('title', heading),
    ...wrap(`(${certainty})`, options.width).map((line) => style('dim', line)),
  ]
  return `${lines.join('\n')}\n\n${renderTree(root, problem, options)}`
}
