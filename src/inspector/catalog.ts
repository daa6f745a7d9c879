import type { ApiSpec, ErrorCodeSpec, MessageSpec } from '../specs/spec.ts'
import type { Specs } from '../specs/specs.ts'

/** Spec files that hold the records of an internal topic. */
const recordModules: Readonly<Record<string, readonly string[]>> = {
  __consumer_offsets: [
    'consumer-offsets-records',
    'consumer-group-records',
    'share-group-records',
    'streams-group-records',
  ],
  __transaction_state: ['transaction-state-records'],
  __share_group_state: ['share-group-state-records'],
  __cluster_metadata: ['metadata-records'],
  __remote_log_metadata: ['remote-log-metadata-records'],
}

/** Messages of control records by the type in their key. */
const controlMessages = [
  'EndTxnMarker',
  'EndTxnMarker',
  'LeaderChangeMessage',
  'SnapshotHeaderRecord',
  'SnapshotFooterRecord',
  'KRaftVersionRecord',
  'VotersRecord',
]

/** All that the specs describe, to be looked up. */
export class Catalog {
  /** By ascending key. */
  readonly apis: readonly ApiSpec[]
  readonly #apis: ReadonlyMap<number, ApiSpec>
  readonly #messages: ReadonlyMap<string, MessageSpec>
  readonly #errors: ReadonlyMap<number, ErrorCodeSpec>
  readonly #modules: ReadonlyMap<string, readonly MessageSpec[]>

  constructor(specs: Specs) {
    this.apis = specs.files
      .flatMap(({ api }) => (api === undefined ? [] : [api]))
      .sort((a, b) => a.key - b.key)
    this.#apis = new Map(this.apis.map((api) => [api.key, api]))
    this.#messages = new Map(
      specs.files.flatMap((file) => file.messages).map((message) => [message.name, message]),
    )
    this.#errors = new Map(specs.errorCodes.map((error) => [error.code, error]))
    this.#modules = new Map(specs.files.map((file) => [file.moduleName, file.messages]))
  }

  api(key: number): ApiSpec | undefined {
    return this.#apis.get(key)
  }

  /** By number or by name, in any case. */
  findApi(text: string): ApiSpec | undefined {
    if (/^\d+$/.test(text)) return this.#apis.get(Number(text))
    const wanted = text.toLowerCase().replace(/(request|response)$/, '')
    return this.apis.find((api) => api.name.toLowerCase() === wanted)
  }

  /** Throws when there is none: callers know the names. */
  message(name: string): MessageSpec {
    const message = this.#messages.get(name)
    if (message === undefined) throw new Error(`no spec describes ${name}`)
    return message
  }

  error(code: number): ErrorCodeSpec | undefined {
    return this.#errors.get(code)
  }

  /** The message in a record of an internal topic, by the type in its key; undefined when it is not known. */
  record(topic: string, part: 'Key' | 'Value' | 'Record', type: number): MessageSpec | undefined {
    return recordModules[topic]
      ?.flatMap((module) => this.#modules.get(module) ?? [])
      .find((message) => message.key === type && message.name.endsWith(part))
  }

  /** The message in the value of a control record. */
  controlRecord(type: number): MessageSpec | undefined {
    const name = controlMessages[type]
    return name === undefined ? undefined : this.message(name)
  }

  /** Version of the header that goes before a request of this version. */
  requestHeaderVersion({ request, oldRequestHeaderTo }: ApiSpec, version: number): 0 | 1 | 2 {
    if (oldRequestHeaderTo !== undefined && version <= oldRequestHeaderTo) return 0
    return isFlexible(request, version) ? 2 : 1
  }

  responseHeaderVersion({ response, fixedResponseHeader }: ApiSpec, version: number): number {
    return fixedResponseHeader ?? (isFlexible(response, version) ? 1 : 0)
  }
}

export function isFlexible(message: MessageSpec, version: number): boolean {
  return message.flexibleFrom !== undefined && version >= message.flexibleFrom
}
