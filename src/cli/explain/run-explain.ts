import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Catalog } from '../../inspector/catalog.ts'
import { type Explained, Explainer, type Explanation } from '../../inspector/explain.ts'
import { type FileKind, fileKindByContent, knownFile } from '../../inspector/file-kind.ts'
import { decodeText, InputTextError, isText } from '../../inspector/input-text.ts'
import { regionOf } from '../../inspector/node.ts'
import { type Piece, streamsOfPcap } from '../../inspector/packet-dump.ts'
import type { FrameHints } from '../../inspector/recognise.ts'
import { renderHtml } from '../../inspector/render-html.ts'
import { nodeToJson, problemToJson } from '../../inspector/render-json.ts'
import { CommandError, EXIT_FAILURE, EXIT_OK, EXIT_USAGE, type Host } from '../host.ts'
import { loadCatalog } from '../spec-catalog.ts'
import { partText } from './part-text.ts'
import { type RawInput, readInput } from './read-input.ts'

const kinds = {
  frames: 'frames',
  records: 'records',
  index: 'offset index',
  timeindex: 'time index',
  txnindex: 'transaction index',
  snapshot: 'producer snapshot',
} as const

export interface ExplainArguments extends PrintOptions, HintArguments {
  readonly input?: readonly string[] | undefined
  readonly as?: keyof typeof kinds | undefined
  readonly topic?: string | undefined
  readonly skip: number
  readonly limit: number
}

/** Explains the input and prints it. Resolves with the exit code. */
export async function runExplain(host: Host, args: ExplainArguments): Promise<number> {
  const { limit, skip } = args
  if (!(Number.isInteger(limit) && limit > 0))
    throw new CommandError('--limit is a whole number from 1 on', EXIT_USAGE)
  if (!(Number.isInteger(skip) && skip >= 0))
    throw new CommandError('--skip is a whole number from 0 on', EXIT_USAGE)
  const catalog = loadCatalog()
  const hints = hintsOf(args, catalog)
  const input = await readInput(host, args.input ?? [], skip)
  const known = input.path === undefined ? undefined : knownFile(input.path)
  if (input.total === 0 && known !== undefined) {
    host.out(`The file is empty, as a new ${known.kind} may be.\n`)
    return EXIT_OK
  }
  if (input.bytes.length === 0) throw new CommandError(emptyText(input))
  const { pieces, form } = decode(input, known?.kind, skip)
  if (pieces.every(({ bytes }) => bytes.length === 0))
    throw new CommandError(
      `there is nothing to explain: ${form} without bytes${skip > 0 ? ` from ${skip} on` : ''}`,
    )
  const isWindow = input.total === undefined || input.position + input.bytes.length < input.total
  const explainer = new Explainer({
    catalog,
    hints,
    kind: args.as === undefined ? (hasHints(hints) ? 'frames' : known?.kind) : kinds[args.as],
    topic: args.topic ?? known?.topic,
    baseOffset: known?.baseOffset,
    limit,
    isWindow,
  })
  const sections: Section[] = pieces.map(({ label, bytes, position }) => {
    const connection = label.split(' > ').sort().join()
    const explanation = explainer.explain(regionOf(bytes, position), connection)
    return { label, explanation, note: leftOut(explanation, position, bytes.length, input, form) }
  })
  await print(host, args, input, form, sections)
  const isWrong = sections.some(({ explanation }) =>
    explanation.parts.some(({ problem }) => problem !== undefined),
  )
  return isWrong ? EXIT_FAILURE : EXIT_OK
}

/** What was explained of one side of a connection, or of the whole input. */
interface Section {
  readonly label: string
  readonly explanation: Explanation
  /** What was left out; empty when nothing was. */
  readonly note: string
}

interface PrintOptions {
  readonly json?: boolean | undefined
  readonly html?: string | undefined
  readonly color?: boolean | undefined
  readonly verbose?: boolean | undefined
}

async function print(
  host: Host,
  args: PrintOptions,
  input: RawInput,
  form: string,
  sections: readonly Section[],
): Promise<void> {
  if (args.html !== undefined) {
    writePage(resolve(host.workingDirectory, args.html), input, sections)
    if (args.json !== true) host.out(`${args.html} written\n`)
  }
  if (args.json === true) {
    host.out(`${JSON.stringify({ form, sections: sections.map(sectionToJson) })}\n`)
    return
  }
  if (args.html !== undefined) return
  const noColor = host.environment.NO_COLOR ?? ''
  const color = args.color ?? (host.isTerminal && noColor === '')
  const options = { color, width: Math.max(60, host.columns ?? 110), withDescriptions: args.verbose === true }
  let isFirst = true
  for (const { label, explanation, note } of sections) {
    for (const part of explanation.parts) {
      host.out(`${isFirst ? '' : '\n'}${partText(part, label, options)}`)
      isFirst = false
      await host.drained()
    }
    if (note !== '') host.out(`\n${note}\n`)
  }
}

function sectionToJson({ label, explanation, note }: Section): object {
  const parts = explanation.parts.map(({ title, certainty, root, problem }) => ({
    title,
    certainty,
    ...(problem && { problem: problemToJson(problem) }),
    tree: nodeToJson(root),
  }))
  return { ...(label !== '' && { label }), parts, ...(note !== '' && { note }) }
}

function writePage(path: string, input: RawInput, sections: readonly Section[]): void {
  const parts = sections.flatMap(({ label, explanation }) =>
    explanation.parts.map((part) => ({ ...part, subtitle: subtitleOf(part, label) })),
  )
  const notes = sections.map(({ note }) => note).filter((note) => note !== '')
  const page = renderHtml(input.path?.split('/').at(-1) ?? 'Explained bytes', parts, notes.join(' '))
  try {
    writeFileSync(path, page)
  } catch (error) {
    throw new CommandError(`${path} cannot be written: ${(error as Error).message}`)
  }
}

function subtitleOf({ certainty }: Explained, label: string): string {
  return [label, certainty].filter((part) => part !== '').join(': ')
}

interface HintArguments {
  readonly api?: string | undefined
  readonly version?: number | undefined
  readonly request?: boolean | undefined
  readonly response?: boolean | undefined
  readonly bare?: boolean | undefined
}

function hintsOf(args: HintArguments, catalog: Catalog): FrameHints {
  const { api: name, version, request, response } = args
  if (request === true && response === true)
    throw new CommandError('--request and --response exclude each other', EXIT_USAGE)
  const api = name === undefined ? undefined : catalog.findApi(name)
  if (name !== undefined && api === undefined) throw new CommandError(`there is no API ${name}`, EXIT_USAGE)
  const versions = api?.response.versions
  if (version !== undefined && versions !== undefined && (version < versions.from || version > versions.to)) {
    const range = `${versions.from} to ${versions.to}`
    throw new CommandError(`${api!.name} has versions ${range}, not ${version}`, EXIT_USAGE)
  }
  return {
    role: request === true ? 'request' : response === true ? 'response' : undefined,
    apiKey: api?.key,
    version,
    isSized: args.bare === true ? false : undefined,
  }
}

function hasHints(hints: FrameHints): boolean {
  return Object.values(hints).some((hint) => hint !== undefined)
}

function emptyText({ path, total, position }: RawInput): string {
  if (total !== undefined && total > 0) return `there are only ${total} bytes, nothing at ${position}`
  return `there is nothing to explain: ${path === undefined ? 'the input' : 'the file'} is empty`
}

/** The bytes that were meant: those that were read, or what they stand for as text. */
function decode(
  input: RawInput,
  known: FileKind | undefined,
  skip: number,
): { form: string; pieces: readonly (Piece & { position: number })[] } {
  const { bytes, position } = input
  const streams = streamsOfPcap(bytes)
  if (streams !== undefined)
    return { form: 'a pcap file', pieces: streams.map((piece) => ({ ...piece, position: 0 })) }
  if (known !== undefined || !isText(bytes) || fileKindByContent(bytes) !== undefined)
    return { form: 'bytes', pieces: [{ label: '', bytes, position }] }
  try {
    const { form, pieces } = decodeText(wholeText(input))
    return {
      form,
      pieces: pieces.map((piece) => ({ ...piece, bytes: piece.bytes.subarray(skip), position: skip })),
    }
  } catch (error) {
    if (!(error instanceof InputTextError)) throw error
    throw new CommandError(error.message)
  }
}

/** The text up to the last blank or whole byte, when it was cut. */
function wholeText({ bytes, total }: RawInput): string {
  const text = bytes.toString('utf8')
  if (total !== undefined && total <= bytes.length) return text
  const end = Math.max(text.lastIndexOf('\n'), text.lastIndexOf(' '))
  return text.slice(0, end > 0 ? end : text.length - (text.length % 4))
}

/** Says what was not shown. */
function leftOut(
  explanation: Explanation,
  start: number,
  length: number,
  input: RawInput,
  form: string,
): string {
  const { end, parts } = explanation
  const isCut = input.total === undefined || input.total > input.position + input.bytes.length
  if (form !== 'bytes' && isCut)
    return `Left out: what follows the first ${input.bytes.length} bytes of the input.`
  const total = form === 'bytes' ? input.total : start + length
  if (total !== undefined && end >= total) return ''
  const rest = total === undefined ? 'what follows' : `${total - end} bytes`
  if (parts.some(({ problem }) => problem !== undefined)) return `Not read: ${rest}, from byte ${end} on.`
  return `Left out: ${rest}, from byte ${end} on (--skip ${end} goes on there).`
}
