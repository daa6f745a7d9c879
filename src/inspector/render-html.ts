import { HTML_SCRIPT, HTML_STYLE } from './html-assets.ts'
import { type InspectedNode, type Problem, type Region, sentence, slice } from './node.ts'
import { ownBytes, valueText } from './render-text.ts'
import { count } from './words.ts'

const BYTES_PER_ROW = 16
/** So many bytes are shown of a region, and of all together: each takes 30 characters of the page. */
const MAX_SHOWN_BYTES = 64 * 1024
const MAX_SHOWN_BYTES_OF_ALL = 256 * 1024

/** A part of the page: one frame, or one file. */
export interface HtmlPart {
  readonly title: string
  readonly subtitle: string
  readonly root: InspectedNode
  readonly problem: Problem | undefined
}

/**
 * One page that needs nothing else: bytes on the left, fields on the right. Pointing at either one marks the other, and tells how the field is
 * encoded and what it means.
 */
export function renderHtml(title: string, parts: readonly HtmlPart[], note: string): string {
  const pages = new PageRenderer()
  const body = parts.map((part) => pages.part(part)).join('\n')
  const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escapeHtml(title)}</title>
<style>
${HTML_STYLE}
</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${body}
${note === '' ? '' : `<p class="note">${escapeHtml(note)}</p>`}
<script>
${HTML_SCRIPT}
</script>
</body>
</html>
`
}

/** Runs of bytes by the node that they belong to. */
interface Run {
  readonly id: number
  readonly position: number
  readonly length: number
}

class PageRenderer {
  #nextId = 0
  #bytesLeft = MAX_SHOWN_BYTES_OF_ALL

  part({ title, subtitle, root, problem }: HtmlPart): string {
    const runs = new Map<Region, Run[]>([[root.region, []]])
    const tree = root.children.map((child) => this.#node(child, runs)).join('')
    const panels = [...runs].map(([region, own]) => this.#bytes(region, own, root, problem)).join('')
    const banner = problem === undefined ? '' : `<p class="problem">${escapeHtml(sentence(problem))}</p>\n`
    return `<section>
<h2>${escapeHtml(title)}</h2>
<p class="note">${escapeHtml(subtitle)}</p>
${banner}<div class="split"><div class="bytes">${panels}</div><div class="tree">${tree}${omitted(root)}</div></div>
</section>`
  }

  /** The bytes of a region from its first field to its last, and on to the first wrong byte. */
  #bytes(region: Region, runs: readonly Run[], root: InspectedNode, problem: Problem | undefined): string {
    const isRoot = region === root.region
    const start = isRoot ? root.position : (runs[0]?.position ?? 0)
    const last = runs.reduce((most, { position, length }) => Math.max(most, position + length), start)
    const wrong = problem?.region === region ? problem : undefined
    const end = Math.max(
      last,
      isRoot ? root.position + root.length : 0,
      wrong === undefined ? 0 : wrong.position + Math.max(wrong.length, 8),
    )
    const bytes = slice(region, start, Math.min(end - start, MAX_SHOWN_BYTES, this.#bytesLeft))
    this.#bytesLeft -= bytes.length
    const owners = new Int32Array(bytes.length).fill(-1)
    for (const { id, position, length } of runs) owners.fill(id, position - start, position - start + length)
    const rows: string[] = []
    for (let at = 0; at < bytes.length; at += BYTES_PER_ROW) {
      const row = Array.from(bytes.subarray(at, at + BYTES_PER_ROW), (byte, index) =>
        byteCell(byte, owners[at + index]!, wrong, start + at + index),
      )
      rows.push(`<div><i>${start + at}</i>${row.join('')}</div>`)
    }
    const title =
      region.block === undefined
        ? ''
        : `<div class="note">Decompressed (${escapeHtml(region.block.codec)}):</div>`
    const left = end - start - bytes.length
    const more =
      left > 0 && (bytes.length === MAX_SHOWN_BYTES || this.#bytesLeft === 0)
        ? `<div class="note">... ${count(left, 'byte')} more</div>`
        : ''
    return `${title}<div class="hex">${rows.join('')}</div>${more}`
  }

  #node(node: InspectedNode, runs: Map<Region, Run[]>): string {
    const id = this.#nextId++
    const own = ownBytes(node)
    if (own.length > 0) {
      const known = runs.get(node.region) ?? []
      runs.set(node.region, known)
      known.push({ id, position: node.position, length: own.length })
    }
    const children = node.children.map((child) => this.#node(child, runs)).join('')
    const inside = children === '' ? '' : `<div class="in">${children}${omitted(node)}</div>`
    return `<div class="node" data-n="${id}" data-d="${escapeHtml(described(node))}"><span class="line">${lineOf(node)}</span>${inside}</div>`
  }
}

function omitted(node: InspectedNode): string {
  return node.omitted === 0 ? '' : `<div class="note">... ${node.omitted} more left out</div>`
}

function lineOf(node: InspectedNode): string {
  const { name, value, kind, children, type, note } = node
  const style =
    value === null ? 'null' : typeof value === 'number' || typeof value === 'bigint' ? 'number' : 'text'
  const shown =
    value !== undefined
      ? `<span class="${style}">${escapeHtml(valueText(value))}</span>`
      : `<span class="note">${kind === 'array' ? count(children.length + node.omitted, 'element') : kind === 'struct' ? escapeHtml(type) : ''}</span>`
  return `<b>${escapeHtml(name)}</b> ${shown}${note === '' ? '' : ` <span class="note">${escapeHtml(note)}</span>`}`
}

/** What is told of a node when it is pointed at. */
function described({
  path,
  name,
  position,
  length,
  type,
  encoding,
  description,
  region,
}: InspectedNode): string {
  const block = region.block === undefined ? '' : ` of the decompressed ${region.block.codec} block`
  const place = `byte ${position}, ${count(length, 'byte')}${block}`
  return [
    `${path === '' ? name : path}: ${place}`,
    `${type}${encoding === '' ? '' : `: ${encoding}`}`,
    description,
  ]
    .filter((line) => line !== '')
    .join('\n')
}

function byteCell(byte: number, owner: number, wrong: Problem | undefined, position: number): string {
  const isWrong =
    wrong !== undefined && position >= wrong.position && position < wrong.position + Math.max(1, wrong.length)
  const text = byte.toString(16).padStart(2, '0')
  return `<u${owner < 0 ? '' : ` data-b="${owner}"`}${isWrong ? ' class="wrong"' : ''}>${text}</u>`
}

function escapeHtml(text: string): string {
  const names: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, (character) => names[character]!)
}
