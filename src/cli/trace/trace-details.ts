import { contextOf } from '../../inspector/context.ts'
import { inspectFrame } from '../../inspector/frames.ts'
import { renderTree } from '../../inspector/render-text.ts'
import type { TracedFrame } from '../../trace/trace-event.ts'
import type { Host } from '../host.ts'
import { loadCatalog } from '../spec-catalog.ts'
import type { DescribedExchange } from './described-exchange.ts'

/** Elements of an array that are shown. */
const MAX_ELEMENTS = 50
const MAX_NODES = 2000
const BYTES_PER_LINE = 16
const MAX_BYTES = 4096
const DEFAULT_WIDTH = 140

/** What `-v` prints below the line of an exchange: the fields of both frames, with `withBytes` a dump as well. */
export function traceDetails(host: Host, withBytes: boolean): (described: DescribedExchange) => string {
  const catalog = loadCatalog()
  const render = {
    color: host.isTerminal && !host.environment.NO_COLOR,
    width: host.columns ?? DEFAULT_WIDTH,
  }
  const tree = (frame: TracedFrame, role: 'request' | 'response', { head }: DescribedExchange): string => {
    const { title, root, problem } = inspectFrame(
      { bytes: frame.bytes, origin: 0, block: undefined },
      0,
      { role, apiKey: head?.apiKey, version: head?.apiVersion, isSized: false },
      contextOf(catalog, MAX_ELEMENTS, MAX_NODES),
    )
    return `${title}\n${renderTree(root, problem, render)}`
  }
  return (described) => {
    const { request, response } = described.exchange
    const text = [
      ...(request ? [tree(request, 'request', described), ...(withBytes ? [dump(request.bytes)] : [])] : []),
      ...(response && described.head ? [tree(response, 'response', described)] : []),
      ...(response && withBytes ? [dump(response.bytes)] : []),
    ].join('\n')
    return `${text.replaceAll(/^(?=.)/gm, '  ').trimEnd()}\n\n`
  }
}

/** Position, bytes, and what of them is text. */
export function dump(bytes: Buffer): string {
  const lines: string[] = []
  for (let at = 0; at < Math.min(bytes.length, MAX_BYTES); at += BYTES_PER_LINE) {
    const part = bytes.subarray(at, at + BYTES_PER_LINE)
    const hex = Array.from(part, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = Array.from(part, (byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
    ).join('')
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(BYTES_PER_LINE * 3 - 1)}  ${text}`)
  }
  if (bytes.length > MAX_BYTES) lines.push(`... ${bytes.length - MAX_BYTES} bytes more`)
  return `${lines.join('\n')}\n`
}
