import { type ApiSpec, formatVersions, type MessageSpec, type Versions } from '../specs/spec.ts'
import { type Block, heading, prose, table } from './block.ts'
import { exampleFrame } from './example-frame.ts'
import { fieldBlocks } from './fields.ts'
import { descriptionOf, type Sources } from './reference.ts'

/** Everything about one API, with the fields and an example of one of its versions. */
export async function apiPage(sources: Sources, api: ApiSpec, version: number): Promise<Block[]> {
  return [
    heading(`${api.name} (key ${api.key})`, 1),
    ...prose(descriptionOf(sources, api)),
    ...facts(sources, api, version),
    heading('Versions'),
    ...history(api.request),
    ...(await messageBlocks(sources, api, 'request', version)),
    ...(await messageBlocks(sources, api, 'response', version)),
    ...errorBlocks(sources, api),
    ...clientBlocks(sources, api),
  ]
}

function facts({ catalog, served, releases }: Sources, api: ApiSpec, version: number): Block[] {
  const { request } = api
  const here = served.find(({ key }) => key === api.key)
  const headers = `${catalog.requestHeaderVersion(api, version)} and ${catalog.responseHeaderVersion(api, version)}`
  const rows = [
    ['Versions', versionsText(request)],
    ['Compact lengths', flexibleText(request)],
    [
      'Headers',
      `Version ${version} has request and response headers of versions ${headers} (odradek api headers).`,
    ],
    ['Served here', here === undefined ? 'No.' : `Versions ${here.minVersion}-${here.maxVersion}.`],
    ['Apache Kafka', releasesText(releases, api.key)],
  ]
  return table(['', ''], rows)
}

export function versionsText({ versions, stableTo }: Pick<MessageSpec, 'versions' | 'stableTo'>): string {
  if (stableTo >= versions.to) return `${formatVersions(versions)}.`
  const unstable: Versions = { from: Math.max(stableTo + 1, versions.from), to: versions.to }
  const many = unstable.from === unstable.to ? `${unstable.from} is` : `${formatVersions(unstable)} are`
  return `${formatVersions(versions)}; ${many} not stable yet, and not advertised.`
}

export function flexibleText({ flexibleFrom }: Pick<MessageSpec, 'flexibleFrom'>): string {
  return flexibleFrom === undefined
    ? 'In no version.'
    : `From version ${flexibleFrom} on, with tagged fields (KIP-482).`
}

/** The first release that advertises an API, and what the newest one does. */
function releasesText(releases: Sources['releases'], key: number): string {
  const having = releases.flatMap(({ name, apis }) => {
    const api = apis.find((each) => each.key === key)
    return api === undefined
      ? []
      : [{ name, versions: formatVersions({ from: api.minVersion, to: api.maxVersion }) }]
  })
  const [first, last] = [having[0], having.at(-1)]
  if (first === undefined || last === undefined) return 'No release offers it to clients.'
  const newest =
    last.name === releases.at(-1)?.name
      ? `${last.name} has ${last.versions}`
      : `gone after ${last.name} (${last.versions})`
  return `Seen first in ${first.name} (${first.versions}); ${newest}.`
}

/** What each version brought. */
export function history({ changes, versions }: Pick<MessageSpec, 'changes' | 'versions'>): Block[] {
  const rows = changes.map(({ version, kips, text }) => [
    `${version}`,
    kips.length === 0 ? '-' : kips.map((kip) => `KIP-${kip}`).join(', '),
    text,
  ])
  if (rows.length > 0) return table(['VERSION', 'KIP', 'CHANGE'], rows)
  return [{ kind: 'paragraph', text: `There is only version ${formatVersions(versions)}.` }]
}

async function messageBlocks(
  { catalog }: Sources,
  api: ApiSpec,
  role: 'request' | 'response',
  version: number,
): Promise<Block[]> {
  const example = await exampleFrame(catalog, api, role, version)
  const name = role === 'request' ? 'Request' : 'Response'
  return [
    heading(`${name}, version ${version}`),
    ...fieldBlocks(api[role], version),
    heading(`Example of the ${role}`, 3),
    { kind: 'inspection', inspection: example },
    { kind: 'code', text: example.bytes.toString('hex') },
  ]
}

function errorBlocks({ specs }: Sources, api: ApiSpec): Block[] {
  const rows = api.errors
    .map(({ name, text }) => ({ ...specs.errorCodes.find((each) => each.name === name)!, text }))
    .sort((a, b) => a.code - b.code)
    .map(({ code, name, retriable, text, remedy }) => [
      `${code}`,
      name,
      retriable ? 'yes' : 'no',
      `${text} ${remedy}`,
    ])
  if (rows.length === 0) return []
  return [heading('Errors'), ...table(['CODE', 'NAME', 'RETRIABLE', 'WHEN, AND WHAT TO DO'], rows)]
}

function clientBlocks({ clients }: Sources, api: ApiSpec): Block[] {
  const known = clients.find(({ key }) => key === api.key)
  if (known === undefined)
    return [heading('Clients'), { kind: 'paragraph', text: 'Only brokers and controllers send it.' }]
  const rows = known.clients.map(({ client, from, to }) => {
    const versions = from === undefined ? `up to ${to}` : formatVersions({ from, to })
    return [client, versions, client.startsWith('Java') ? known.javaParts : '']
  })
  const tools = known.tools.length === 0 ? [] : [`Tools that send it: ${known.tools.join(', ')}.`]
  const nobody =
    rows.length === 0 && tools.length === 0 ? ['None of the clients that are looked at sends it.'] : []
  return [
    heading('Clients'),
    ...table(['CLIENT', 'VERSIONS', 'FROM ITS'], rows),
    ...[...tools, ...nobody].map((text) => ({ kind: 'paragraph', text }) as const),
  ]
}
