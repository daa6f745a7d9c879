import { paint } from '../../inspector/paint.ts'
import { renderTree } from '../../inspector/render-text.ts'
import { wrap } from '../../inspector/words.ts'
import type { Block, TableBlock } from '../../reference/block.ts'

const GAP = '  '
/** Less than this is no room for prose: it goes below its row. */
const LEAST_PROSE = 30
const INDENT = '    '

export interface PageOptions {
  /** Of a line, in characters. */
  readonly width: number
  readonly color: boolean
}

/** A page for a terminal. */
export function textPage(blocks: readonly Block[], options: PageOptions): string {
  return blocks.map((block, index) => (index === 0 ? '' : '\n') + blockText(block, options)).join('')
}

function blockText(block: Block, options: PageOptions): string {
  const { width, color } = options
  switch (block.kind) {
    case 'heading': {
      const { text } = block
      return color
        ? `${paint('title', text)}\n`
        : `${text}\n${block.level === 3 ? '' : `${underline(text, block.level)}\n`}`
    }
    case 'paragraph':
      return lines(wrap(block.text, width))
    case 'table':
      return tableText(block, options)
    case 'inspection':
      return renderTree(block.inspection.root, block.inspection.problem, options)
    case 'code':
      return lines(broken(block.text, width))
  }
}

function underline(text: string, level: 1 | 2 | 3): string {
  return (level === 1 ? '=' : '-').repeat(text.length)
}

function tableText({ header, rows, isOneLine }: TableBlock, { width, color }: PageOptions): string {
  const isNamed = header.some((name) => name !== '')
  const shown = isNamed ? [header, ...rows] : rows
  const last = header.length - 1
  const widths = header
    .slice(0, last)
    .map((_, column) => Math.max(...shown.map((row) => row[column]!.length)))
  // A column that is empty in every row takes no room.
  const used = widths.map((each, column) => (rows.every((row) => row[column] === '') ? 0 : each))
  const left = used.reduce((sum, each) => sum + (each === 0 ? 0 : each + GAP.length), 0)
  const isBelow = width - left < LEAST_PROSE
  return shown
    .map((row, index) => {
      const cells = used.flatMap((each, column) => (each === 0 ? [] : [row[column]!.padEnd(each)])).join(GAP)
      const isHeader = isNamed && index === 0
      if (isBelow) return below(cells, isHeader ? '' : row[last]!, width)
      const prose = isOneLine === true ? [cut(row[last]!, width - left)] : wrap(row[last]!, width - left)
      const first = `${cells}${left === 0 ? '' : GAP}${prose[0] ?? ''}`.trimEnd()
      const text = color && isHeader ? paint('dim', first) : first
      return lines([text, ...prose.slice(1).map((each) => ' '.repeat(left) + each)])
    })
    .join('')
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 3).trimEnd()}...`
}

function below(cells: string, prose: string, width: number): string {
  const room = Math.max(LEAST_PROSE, width - INDENT.length)
  return lines([cells.trimEnd(), ...wrap(prose, room).map((each) => INDENT + each)])
}

/** Pieces of at most so many characters. */
function broken(text: string, width: number): string[] {
  return text.match(new RegExp(`.{1,${Math.max(1, width - (width % 2))}}`, 'g')) ?? []
}

function lines(each: readonly string[]): string {
  return each.map((line) => `${line}\n`).join('')
}
