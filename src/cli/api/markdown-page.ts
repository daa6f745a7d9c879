import { renderTree } from '../../inspector/render-text.ts'
import type { Block, TableBlock } from '../../reference/block.ts'

/** Of what stands in a fence, where nothing wraps it. */
const FENCE_WIDTH = 110

/** A page in Markdown, with tables as GitHub has them. */
export function markdownPage(blocks: readonly Block[]): string {
  return blocks.map((block) => `${blockText(block)}\n`).join('\n')
}

function blockText(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `${'#'.repeat(block.level)} ${escaped(block.text)}`
    case 'paragraph':
      return escaped(block.text)
    case 'table':
      return tableText(block)
    case 'inspection': {
      const { root, problem } = block.inspection
      return fenced(renderTree(root, problem, { color: false, width: FENCE_WIDTH }).trimEnd())
    }
    case 'code':
      return fenced(block.text)
  }
}

function tableText({ header, rows }: TableBlock): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cellText).join(' | ')} |`
  return [line(header), `|${header.map(() => '---|').join('')}`, ...rows.map(line)].join('\n')
}

/** Depth is shown by wide blanks, which Markdown keeps. */
function cellText(text: string): string {
  const depth = (text.length - text.trimStart().length) / 2
  return '&emsp;'.repeat(depth) + escaped(text.trimStart()).replaceAll('|', '\\|')
}

function escaped(text: string): string {
  return text.replace(/[*_<>`[\]]/g, '\\$&')
}

function fenced(text: string): string {
  return `\`\`\`\n${text}\n\`\`\``
}
