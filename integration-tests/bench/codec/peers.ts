import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Decodes one body of a response; what it gives back only keeps the work from being dropped. */
export type Decode = (body: Buffer) => unknown

/** A client's own decoders, by API and version. */
export interface Peer {
  readonly name: string
  decoder(api: string, version: number): Promise<Decode>
}

const require = createRequire(import.meta.url)

/** kafkajs declares its decoders async, whatever they do; so they are awaited, as kafkajs does. */
export const kafkajs: Peer = {
  name: 'kafkajs',
  async decoder(api, version) {
    const module = require(`kafkajs/src/protocol/requests/${camel(api)}/v${version}/response`)
    return (body) => module.decode(body)
  },
}

const PLATFORMATIC_FOLDERS: Readonly<Record<string, string>> = {
  Metadata: 'metadata',
  Fetch: 'consumer',
  JoinGroup: 'consumer',
  Produce: 'producer',
}

/**
 * The decoders of @platformatic/kafka, which is no dependency of ours; `folder` is where `npm install @platformatic/kafka` was run.
 * Undefined when it is not there.
 */
export async function platformatic(folder: string): Promise<Peer | undefined> {
  const root = join(folder, 'node_modules', '@platformatic', 'kafka', 'dist')
  if (!existsSync(root)) return undefined
  const load = (path: string) => import(pathToFileURL(join(root, path)).href)
  const { Reader } = await load('protocol/reader.js')
  return {
    name: '@platformatic/kafka',
    async decoder(api, version) {
      const file = `${kebab(api)}-v${version}.js`
      const { parseResponse } = await load(join('apis', PLATFORMATIC_FOLDERS[api]!, file))
      return (body) => parseResponse(0, 0, version, Reader.from(body))
    },
  }
}

function camel(api: string): string {
  return api[0]!.toLowerCase() + api.slice(1)
}

function kebab(api: string): string {
  return api.replace(/(?<=[a-z])[A-Z]/g, '-$&').toLowerCase()
}
