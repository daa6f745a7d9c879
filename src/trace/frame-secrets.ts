import { brokerProperty } from '../config/broker-properties.ts'
import { topicProperty } from '../config/topic-config.ts'
import { FIXED_HEADER_BYTES, readRequestHeader } from '../handlers/request-header.ts'
import type { Api, Codec } from '../protocol/api.ts'
import { AlterConfigs } from '../protocol/generated/alter-configs.ts'
import { AlterUserScramCredentials } from '../protocol/generated/alter-user-scram-credentials.ts'
import { CreateDelegationToken } from '../protocol/generated/create-delegation-token.ts'
import { DescribeDelegationToken } from '../protocol/generated/describe-delegation-token.ts'
import { Envelope } from '../protocol/generated/envelope.ts'
import { ExpireDelegationToken } from '../protocol/generated/expire-delegation-token.ts'
import { IncrementalAlterConfigs } from '../protocol/generated/incremental-alter-configs.ts'
import { RenewDelegationToken } from '../protocol/generated/renew-delegation-token.ts'
import { SaslAuthenticate } from '../protocol/generated/sasl-authenticate.ts'
import { SaslHandshake } from '../protocol/generated/sasl-handshake.ts'
import { Reader } from '../protocol/reader.ts'
import { Writer } from '../protocol/writer.ts'
import type { Secrets } from './trace-event.ts'

/** A frame without its size that may be shown. */
export interface HarmlessFrame {
  readonly bytes: Buffer
  readonly secrets: Secrets
}

/** How the secrets of an API are found; `'all'`: they can be anywhere. */
interface Rule {
  readonly api: Api<unknown, unknown>
  readonly request?: ((message: unknown) => void) | 'all'
  readonly response?: ((message: unknown) => void) | 'all'
}

const RESOURCE_TOPIC = 2
const RESOURCE_BROKER = 4
const RESOURCE_BROKER_LOGGER = 8
const SIZE_AND_CORRELATION_BYTES = 8
/** No API has a higher one, and no password begins with such a character. */
const MAX_VERSION = 0x1f
const writer = new Writer()

const rules: ReadonlyMap<number, Rule> = new Map(
  [
    rule(AlterConfigs, { request: ({ resources }) => hideValues(resources) }),
    rule(IncrementalAlterConfigs, { request: ({ resources }) => hideValues(resources) }),
    rule(SaslAuthenticate, {
      request: (message) => hide(message, 'authBytes'),
      response: (message) => hide(message, 'authBytes'),
    }),
    rule(AlterUserScramCredentials, {
      request: ({ upsertions }) => {
        for (const upsertion of upsertions) {
          hide(upsertion, 'salt')
          hide(upsertion, 'saltedPassword')
        }
      },
    }),
    rule(CreateDelegationToken, { response: (message) => hide(message, 'hmac') }),
    rule(RenewDelegationToken, { request: (message) => hide(message, 'hmac') }),
    rule(ExpireDelegationToken, { request: (message) => hide(message, 'hmac') }),
    rule(DescribeDelegationToken, {
      response: ({ tokens }) => {
        for (const token of tokens) hide(token, 'hmac')
      },
    }),
    // Holds requests of other APIs.
    rule(Envelope, { request: 'all', response: 'all' }),
  ].map((each) => [each.api.key, each]),
)

/**
 * Overwrites what must not leave the broker: passwords, tokens, salts. A secret keeps its length, so that the rest stays where it is.
 * Where it cannot be found for certain, all behind the header is overwritten. Frames of other APIs are handed on untouched.
 */
export class FrameSecrets {
  /** What each connection waits for; null: a response without secrets. */
  readonly #inFlight = new Map<number, { rule: Rule; version: number } | null>()
  /** Connections that have chosen a mechanism: bare tokens may follow, which are no requests. */
  readonly #mayBeBare = new Set<number>()

  request(connectionId: number, frame: Buffer): HarmlessFrame {
    const isRequest = frame.length >= FIXED_HEADER_BYTES
    const apiKey = isRequest ? frame.readInt16BE(0) : -1
    const version = isRequest ? frame.readInt16BE(2) : -1
    const found = rules.get(apiKey)
    if (this.#isBareToken(connectionId, apiKey, version)) {
      this.#inFlight.delete(connectionId)
      return withhold(frame, 0)
    }
    this.#inFlight.set(connectionId, found ? { rule: found, version } : null)
    if (apiKey === SaslHandshake.key) this.#mayBeBare.add(connectionId)
    if (!found?.request) return { bytes: frame, secrets: 'none' }
    const bodyAt = readRequestHeader(frame, headerVersion(found.api, version))?.bodyAt ?? FIXED_HEADER_BYTES
    if (found.request === 'all') return withhold(frame, bodyAt)
    return masked(frame, bodyAt, found.api.request, version, found.request)
  }

  /** `frame` is with its size. */
  response(connectionId: number, frame: Buffer): HarmlessFrame {
    const inFlight = this.#inFlight.get(connectionId)
    const bytes = frame.subarray(4)
    // What was asked before anybody listened may have been for a secret.
    if (inFlight === undefined) return withhold(bytes, 4)
    this.#inFlight.delete(connectionId)
    const mask = inFlight?.rule.response
    if (!inFlight || !mask) return { bytes, secrets: 'none' }
    const { rule, version } = inFlight
    const tagsBytes = isKnown(rule.api, version) ? rule.api.responseHeaderVersion(version) : 0
    const bodyAt = SIZE_AND_CORRELATION_BYTES + tagsBytes - 4
    if (mask === 'all') return withhold(bytes, bodyAt)
    return masked(bytes, bodyAt, rule.api.response, version, mask)
  }

  /** After version 0 of the handshake the tokens of SASL come as they are (KIP-43), after others by mistake, until a request comes. */
  #isBareToken(connectionId: number, apiKey: number, version: number): boolean {
    if (!this.#mayBeBare.has(connectionId)) return false
    // Of tokens only PLAIN's for a user of one letter has zero bytes at both places, and then the password begins where the version ends.
    if (apiKey >= 0 && apiKey <= 0xff && version >= 0 && version <= MAX_VERSION) {
      this.#mayBeBare.delete(connectionId)
      return false
    }
    return true
  }

  /** A response that nobody is shown. */
  answered(connectionId: number): void {
    this.#inFlight.delete(connectionId)
  }

  closed(connectionId: number): void {
    this.#inFlight.delete(connectionId)
    this.#mayBeBare.delete(connectionId)
  }
}

function masked(
  frame: Buffer,
  bodyAt: number,
  codec: Codec<unknown>,
  version: number,
  mask: (message: unknown) => void,
): HarmlessFrame {
  if (version < codec.minVersion || version > codec.maxVersion) return withhold(frame, bodyAt)
  try {
    const message = codec.decode(new Reader(frame, bodyAt), version)
    mask(message)
    writer.reset()
    codec.encode(writer, message, version)
    const body = writer.finishCopy()
    // Another length says that there is more in the frame than the codec has seen.
    if (body.length !== frame.length - bodyAt) return withhold(frame, bodyAt)
    return { bytes: Buffer.concat([frame.subarray(0, bodyAt), body]), secrets: 'masked' }
  } catch {
    return withhold(frame, bodyAt)
  }
}

function withhold(frame: Buffer, keptBytes: number): HarmlessFrame {
  const bytes = Buffer.alloc(frame.length)
  frame.copy(bytes, 0, 0, keptBytes)
  return { bytes, secrets: 'withheld' }
}

function isKnown({ minVersion, maxVersion }: Api<unknown, unknown>, version: number): boolean {
  return version >= minVersion && version <= maxVersion
}

function headerVersion(api: Api<unknown, unknown>, version: number): 0 | 1 | 2 {
  return isKnown(api, version) ? api.requestHeaderVersion(version) : 0
}

/** Configurations whose values may be passwords: all but those that are known to be of another type. */
function hideValues(
  resources: readonly {
    resourceType: number
    configs: readonly { name: string; value: string | null }[]
  }[],
): void {
  for (const { resourceType, configs } of resources) {
    for (const config of configs) if (!isHarmless(resourceType, config.name)) hide(config, 'value')
  }
}

function isHarmless(resourceType: number, name: string): boolean {
  if (resourceType === RESOURCE_BROKER_LOGGER) return true
  const property =
    resourceType === RESOURCE_TOPIC
      ? topicProperty(name)
      : resourceType === RESOURCE_BROKER
        ? brokerProperty(name)
        : undefined
  return property !== undefined && property.type !== 'password'
}

function hide<Field extends string>(holder: { [Name in Field]: Buffer | string | null }, field: Field): void {
  const secret: Buffer | string | null = holder[field]
  if (secret === null) return
  const stars = '*'.repeat(Buffer.byteLength(secret))
  holder[field] = typeof secret === 'string' ? stars : Buffer.from(stars)
}

/** Forgets the types of one API's messages, so that all rules fit one table. */
function rule<Request, Response>(
  api: Api<Request, Response>,
  {
    request,
    response,
  }: { request?: ((message: Request) => void) | 'all'; response?: ((message: Response) => void) | 'all' },
): Rule {
  return { api, request, response } as unknown as Rule
}
