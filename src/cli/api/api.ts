import type { Block } from '../../reference/block.ts'
import type { Sources, Subject } from '../../reference/reference.ts'
import { formatVersions, includes, type MessageSpec } from '../../specs/spec.ts'
import { command } from '../command.ts'
import { CommandError, EXIT_NOT_FOUND, EXIT_OK, EXIT_USAGE, type Host } from '../host.ts'
import { jsonLine } from '../table.ts'

/** Where there is no terminal: of pages, and of the list of all APIs, which has a line for each. */
const DEFAULT_WIDTH = 110
const LIST_WIDTH = 160
const LEAST_WIDTH = 40

export const api = command({
  syntax: 'api [name] [number]',
  describe: "Look up Kafka's protocol: APIs, their fields and versions, records, error codes",
  positionals: {
    name: {
      type: 'string',
      describe: 'An API by name or key, a record, a family of them, an error, or errors; nothing lists all',
    },
    number: {
      type: 'string',
      describe: 'The version that is described (default: the newest stable one); of error, its code',
    },
  },
  options: {
    json: { type: 'boolean', default: false, describe: 'As JSON; without a name one API per line' },
    markdown: { type: 'boolean', default: false, describe: 'As a page in Markdown' },
  },
  examples: [
    ['$0 api', 'All APIs'],
    ['$0 api fetch', 'Fetch in its newest version'],
    ['$0 api 3 9', 'Metadata in version 9'],
    ['$0 api errors', 'All error codes; one of them: error 36, or TOPIC_ALREADY_EXISTS'],
    ['$0 api OffsetCommitValue', 'A record of __consumer_offsets'],
  ],
  epilogue: 'Exit codes: 0 found, 2 wrong usage, 3 there is no such name or version.',
  async run(host, { name, number, json, markdown }) {
    if (json && markdown) throw new CommandError('--json and --markdown exclude each other', EXIT_USAGE)
    // Loaded here: the other commands have no use for it.
    const { loadSources } = await import('./load-sources.ts')
    const sources = loadSources()
    if (name === undefined) await printOverview(host, sources, json, markdown)
    else {
      const { subject, rest } = await subjectOf(sources, name, number)
      const chosen = versionOf(subject, rest)
      if (json) {
        const { jsonOf } = await import('./json-page.ts')
        host.out(jsonLine(await jsonOf(sources, subject, chosen)))
      } else await print(host, await pageOf(sources, subject, chosen), markdown)
    }
    await host.drained()
    return EXIT_OK
  },
})

async function printOverview(host: Host, sources: Sources, json: boolean, markdown: boolean): Promise<void> {
  if (json) {
    const { apiSummary } = await import('./json-page.ts')
    for (const each of sources.catalog.apis) host.out(jsonLine(apiSummary(sources, each)))
    return
  }
  const { overview } = await import('../../reference/pages.ts')
  await print(host, overview(sources), markdown, LIST_WIDTH)
}

/** What is asked for, and the version if one was named. `error 36` takes both words for the name. */
async function subjectOf(
  sources: Sources,
  name: string,
  number: string | undefined,
): Promise<{ subject: Subject; rest: string | undefined }> {
  const { find, similar } = await import('../../reference/reference.ts')
  const isError = name.toLowerCase() === 'error' && number !== undefined
  if (isError && /^-?\d+$/.test(number)) {
    const code = Number(number)
    if (sources.catalog.error(code) === undefined)
      throw new CommandError(`there is no error code ${code} (see odradek api errors)`, EXIT_NOT_FOUND)
    return { subject: { kind: 'error', code }, rest: undefined }
  }
  const word = isError ? number : name
  const subject = find(sources, word)
  if (subject !== undefined) return { subject, rest: isError ? undefined : number }
  const names = similar(sources, word)
  const hint = names.length === 0 ? '(see odradek api)' : `; did you mean ${names.join(', ')}?`
  throw new CommandError(`nothing is called ${word} ${hint}`.replace(' ;', ';'), EXIT_NOT_FOUND)
}

function versionOf(subject: Subject, text: string | undefined): number {
  const message = messageOf(subject)
  if (message === undefined) {
    if (text !== undefined) throw new CommandError(`${text}: this has no versions`, EXIT_USAGE)
    return 0
  }
  if (text === undefined)
    return Math.max(message.versions.from, Math.min(message.stableTo, message.versions.to))
  if (!/^\d+$/.test(text)) throw new CommandError(`${text} is no version: they are whole numbers`, EXIT_USAGE)
  if (includes(message.versions, Number(text))) return Number(text)
  const versions = formatVersions(message.versions)
  const name = subject.kind === 'api' ? subject.api.name : message.name
  throw new CommandError(`${name} has no version ${text}, only ${versions}`, EXIT_NOT_FOUND)
}

function messageOf(subject: Subject): MessageSpec | undefined {
  if (subject.kind === 'api') return subject.api.request
  return subject.kind === 'message' ? subject.message : undefined
}

async function pageOf(sources: Sources, subject: Subject, version: number): Promise<Block[]> {
  const { errorPage, errorsPage, familyPage, messagePage } = await import('../../reference/pages.ts')
  switch (subject.kind) {
    case 'api': {
      const { apiPage } = await import('../../reference/api-page.ts')
      return apiPage(sources, subject.api, version)
    }
    case 'message':
      return messagePage(sources, subject.message, subject.file, version)
    case 'family':
      return familyPage(subject.file)
    case 'errors':
      return errorsPage(sources)
    case 'error':
      return errorPage(sources, subject.code)
  }
}

async function print(
  host: Host,
  page: readonly Block[],
  markdown: boolean,
  defaultWidth = DEFAULT_WIDTH,
): Promise<void> {
  if (markdown) {
    const { markdownPage } = await import('./markdown-page.ts')
    host.out(markdownPage(page))
    return
  }
  const { textPage } = await import('./text-page.ts')
  const width = Math.max(LEAST_WIDTH, host.columns ?? defaultWidth)
  // NO_COLOR counts when it is set to anything (no-color.org).
  const color = host.isTerminal && (host.environment.NO_COLOR ?? '') === ''
  host.out(textPage(page, { width, color }))
}
