import type { MessageSpec, SpecFile } from '../specs/spec.ts'
import { formatVersions } from '../specs/spec.ts'
import { flexibleText, history, versionsText } from './api-page.ts'
import { type Block, heading, prose, table } from './block.ts'
import { exampleMessage } from './example-frame.ts'
import { fieldBlocks } from './fields.ts'
import { descriptionOf, type Sources } from './reference.ts'

/** All APIs, a line each, then what else there is to look up. */
export function overview(sources: Sources): Block[] {
  const { specs, catalog, served } = sources
  const rows = catalog.apis.map((api) => {
    const { key, name, request } = api
    const here = served.find((each) => each.key === key)
    const { versions, stableTo, flexibleFrom } = request
    return [
      `${key}`,
      name,
      formatVersions(versions),
      stableTo < versions.to
        ? formatVersions({ from: Math.max(stableTo + 1, versions.from), to: versions.to })
        : '-',
      flexibleFrom === undefined ? '-' : `${flexibleFrom}+`,
      here === undefined ? '-' : formatVersions({ from: here.minVersion, to: here.maxVersion }),
      firstSentence(descriptionOf(sources, api)),
    ]
  })
  const families = specs.files.flatMap(({ api, moduleName, title, messages }) =>
    api === undefined ? [[moduleName, `${messages.length}`, title]] : [],
  )
  return [
    heading('APIs', 1),
    {
      kind: 'table',
      header: ['KEY', 'NAME', 'VERSIONS', 'UNSTABLE', 'FLEXIBLE', 'SERVED', 'WHAT FOR'],
      rows,
      isOneLine: true,
    },
    heading('What else is described', 1),
    ...table(
      ['NAME', 'FORMS', 'WHAT'],
      [...families, ['errors', `${specs.errorCodes.length}`, 'Error codes']],
    ),
  ]
}

function firstSentence(text: string): string {
  return /^[\s\S]*?[.:](?=\s|$)/.exec(text)?.[0].replace(/:$/, '.') ?? text
}

/** The forms of one spec file that is no API. */
export function familyPage({ title, description, messages }: SpecFile): Block[] {
  const rows = messages.map(({ name, key, versions, description: text }) => [
    name,
    key === undefined ? '-' : `${key}`,
    formatVersions(versions),
    firstSentence(text),
  ])
  return [heading(title, 1), ...prose(description), ...table(['NAME', 'TYPE', 'VERSIONS', 'WHAT'], rows)]
}

/** A record, a blob, a header or a layout. */
export async function messagePage(
  { catalog }: Sources,
  message: MessageSpec,
  file: SpecFile,
  version: number,
): Promise<Block[]> {
  const example = await exampleMessage(catalog, message, version)
  const type = message.key === undefined ? [] : [['Type', `${message.key}`]]
  return [
    heading(`${message.name}, of: ${file.title}`, 1),
    ...prose(message.description),
    ...table(
      ['', ''],
      [...type, ['Versions', versionsText(message)], ['Compact lengths', flexibleText(message)]],
    ),
    heading('Versions'),
    ...history(message),
    heading(`Fields, version ${version}`),
    ...fieldBlocks(message, version),
    ...(example === undefined
      ? []
      : ([
          heading('Example', 3),
          { kind: 'inspection', inspection: example },
          { kind: 'code', text: example.bytes.toString('hex') },
        ] as const)),
  ]
}

/** All error codes. */
export function errorsPage({ specs }: Sources): Block[] {
  const rows = specs.errorCodes.map(({ code, name, retriable, meaning }) => [
    `${code}`,
    name,
    retriable ? 'yes' : 'no',
    meaning,
  ])
  return [heading('Error codes', 1), ...table(['CODE', 'NAME', 'RETRIABLE', 'MEANING'], rows)]
}

/** One error, and which APIs answer it. */
export function errorPage({ catalog }: Sources, code: number): Block[] {
  const error = catalog.error(code)
  if (error === undefined) return []
  const rows = catalog.apis.flatMap(({ key, name, errors }) =>
    errors.flatMap((each) => (each.name === error.name ? [[`${key}`, name, each.text]] : [])),
  )
  return [
    heading(`${error.name} (${code})`, 1),
    ...table(
      ['', ''],
      [
        ['Meaning', error.meaning],
        ['What to do', error.remedy],
        [
          'Retriable',
          error.retriable ? 'Yes: the same request can succeed later.' : 'No: the same request fails again.',
        ],
      ],
    ),
    heading('Answered by'),
    ...(rows.length === 0
      ? [{ kind: 'paragraph', text: 'No API names it.' } as const]
      : table(['KEY', 'API', 'WHEN'], rows)),
  ]
}
