import type { Catalog } from '../inspector/catalog.ts'
import type { ApiClients } from '../specs/parse-clients.ts'
import type { ReleaseSpec } from '../specs/parse-releases.ts'
import type { ApiSpec, MessageSpec, SpecFile } from '../specs/spec.ts'
import type { Specs } from '../specs/specs.ts'

/** Versions of an API that this broker serves. */
export interface ServedVersions {
  readonly key: number
  readonly minVersion: number
  readonly maxVersion: number
}

/** All that the reference is made from. */
export interface Sources {
  readonly specs: Specs
  readonly catalog: Catalog
  readonly clients: readonly ApiClients[]
  readonly releases: readonly ReleaseSpec[]
  readonly served: readonly ServedVersions[]
}

/** What a word stands for. */
export type Subject =
  | { readonly kind: 'api'; readonly api: ApiSpec }
  | { readonly kind: 'message'; readonly message: MessageSpec; readonly file: SpecFile }
  | { readonly kind: 'family'; readonly file: SpecFile }
  | { readonly kind: 'errors' }
  | { readonly kind: 'error'; readonly code: number }

/** What an API is for. */
export function descriptionOf({ specs }: Sources, api: ApiSpec): string {
  return specs.files.find((file) => file.api === api)?.description ?? ''
}

/** Names that are offered when a word stands for nothing. */
const MOST_SUGGESTIONS = 3

/** Finds an API by key or name, a message, a family of them, or an error by code or name; in any case, also without `Request` and the like. */
export function find({ specs, catalog }: Sources, word: string): Subject | undefined {
  const wanted = simple(word)
  const api = /^\d+$/.test(word)
    ? catalog.api(Number(word))
    : catalog.apis.find(({ name }) => simple(name) === wanted)
  if (api !== undefined) return { kind: 'api', api }
  if (wanted === 'errors' || wanted === 'errorcodes') return { kind: 'errors' }
  const error = specs.errorCodes.find(({ name }) => simple(name) === wanted)
  if (error !== undefined) return { kind: 'error', code: error.code }
  for (const file of specs.files) {
    if (file.api !== undefined) {
      const { request, response } = file.api
      if ([request, response].some(({ name }) => simple(name) === wanted))
        return { kind: 'api', api: file.api }
      continue
    }
    const message = file.messages.find(({ name }) => simple(name) === wanted)
    if (message !== undefined) return { kind: 'message', message, file }
    if (simple(file.moduleName) === wanted || simple(file.title) === wanted) return { kind: 'family', file }
  }
  return undefined
}

/** Names that are much like a word, the nearest first. */
export function similar({ specs }: Sources, word: string): string[] {
  const wanted = simple(word)
  const names = specs.files.flatMap(({ api, messages, moduleName }) =>
    api === undefined ? [moduleName, ...messages.map(({ name }) => name)] : [api.name],
  )
  return [...names, ...specs.errorCodes.map(({ name }) => name)]
    .map((name) => ({ name, distance: distance(wanted, simple(name)) }))
    .filter((each) => each.distance <= Math.max(2, wanted.length / 3))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, MOST_SUGGESTIONS)
    .map(({ name }) => name)
}

const simple = (word: string) => word.toLowerCase().replace(/[-_ .]/g, '')

/** Letters to change, add or leave out; what the other word begins with counts little. */
function distance(a: string, b: string): number {
  if (b.startsWith(a) || (a.length > 3 && b.includes(a))) return 1
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1
      current.push(Math.min(previous[column]! + 1, current[column - 1]! + 1, previous[column - 1]! + cost))
    }
    previous = current
  }
  return previous[b.length]!
}
