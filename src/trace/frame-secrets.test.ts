import { describe, expect, test } from 'vitest'
import type { Api } from '../protocol/api.ts'
import { AlterConfigs } from '../protocol/generated/alter-configs.ts'
import { AlterUserScramCredentials } from '../protocol/generated/alter-user-scram-credentials.ts'
import { CreateDelegationToken } from '../protocol/generated/create-delegation-token.ts'
import { DescribeDelegationToken } from '../protocol/generated/describe-delegation-token.ts'
import { Envelope } from '../protocol/generated/envelope.ts'
import { ExpireDelegationToken } from '../protocol/generated/expire-delegation-token.ts'
import { IncrementalAlterConfigs } from '../protocol/generated/incremental-alter-configs.ts'
import { Metadata } from '../protocol/generated/metadata.ts'
import { RenewDelegationToken } from '../protocol/generated/renew-delegation-token.ts'
import { SaslAuthenticate } from '../protocol/generated/sasl-authenticate.ts'
import { SaslHandshake } from '../protocol/generated/sasl-handshake.ts'
import { Reader } from '../protocol/reader.ts'
import { Writer } from '../protocol/writer.ts'
import { FrameSecrets } from './frame-secrets.ts'

const SECRET = 'hunter2-in-bytes'

function requestFrame<Request>(api: Api<Request, unknown>, version: number, request: Request): Buffer {
  const writer = new Writer()
  writer.int16(api.key)
  writer.int16(version)
  writer.int32(7)
  writer.string('me')
  if (api.requestHeaderVersion(version) === 2) writer.unknownTaggedFields(undefined)
  api.request.encode(writer, request, version)
  return writer.finishCopy()
}

/** With its size. */
function responseFrame<Request, Response>(
  api: Api<Request, Response>,
  version: number,
  response: Response,
): Buffer {
  const writer = new Writer()
  writer.beginFrame()
  writer.int32(7)
  if (api.responseHeaderVersion(version) === 1) writer.unknownTaggedFields(undefined)
  api.response.encode(writer, response, version)
  return writer.finishCopy()
}

const HEADER_BYTES = 12

function maskedRequest<Request>(api: Api<Request, unknown>, version: number, request: Request) {
  const frame = requestFrame(api, version, request)
  const { bytes, secrets } = new FrameSecrets().request(1, frame)
  expect(frame.includes(SECRET)).toBe(true)
  expect(bytes.includes(SECRET)).toBe(false)
  expect(bytes).toHaveLength(frame.length)
  expect(secrets).toBe('masked')
  const bodyAt = HEADER_BYTES + (api.requestHeaderVersion(version) === 2 ? 1 : 0)
  return api.request.decode(new Reader(bytes, bodyAt), version)
}

function maskedResponse<Request, Response>(
  api: Api<Request, Response>,
  version: number,
  request: Buffer,
  response: Response,
) {
  const frame = responseFrame(api, version, response)
  const masker = new FrameSecrets()
  masker.request(1, request)
  const { bytes, secrets } = masker.response(1, frame)
  expect(frame.includes(SECRET)).toBe(true)
  expect(bytes.includes(SECRET)).toBe(false)
  expect(bytes).toHaveLength(frame.length - 4)
  expect(secrets).toBe('masked')
  return api.response.decode(new Reader(bytes, api.responseHeaderVersion(version) === 1 ? 5 : 4), version)
}

const stars = '*'.repeat(SECRET.length)
const starBytes = Buffer.from(stars)
const secret = Buffer.from(SECRET)

describe('secrets are overwritten in their place', () => {
  test.each([0, 1, 2])('SaslAuthenticate %i, both directions', (version) => {
    const request = { authBytes: secret }
    expect(maskedRequest(SaslAuthenticate, version, request).authBytes).toEqual(starBytes)
    const response = {
      errorCode: 0,
      errorMessage: null,
      authBytes: secret,
      sessionLifetimeMs: version >= 1 ? 5n : 0n,
    }
    const frame = requestFrame(SaslAuthenticate, version, request)
    expect(maskedResponse(SaslAuthenticate, version, frame, response)).toMatchObject({
      ...response,
      authBytes: starBytes,
    })
  })

  test('AlterUserScramCredentials: salt and salted password, not the name', () => {
    const upsertion = { name: 'ann', mechanism: 1, iterations: 4096, salt: secret, saltedPassword: secret }
    const { upsertions } = maskedRequest(AlterUserScramCredentials, 0, {
      deletions: [],
      upsertions: [upsertion],
    })
    expect(upsertions).toMatchObject([{ ...upsertion, salt: starBytes, saltedPassword: starBytes }])
  })

  test.each([
    [AlterConfigs, 2],
    [IncrementalAlterConfigs, 1],
  ] as const)('%o: values of passwords and of what nobody knows', (api, version) => {
    const config = (name: string, value: string | null) => ({ name, value, configOperation: 0 })
    const request = {
      resources: [
        {
          resourceType: 4,
          resourceName: '1',
          configs: [
            config('ssl.keystore.password', SECRET),
            config('listener.name.internal.plain.sasl.jaas.config', SECRET),
            config('my.plugin.token', SECRET),
            config('log.retention.ms', '86400000'),
            config('sasl.jaas.config', null),
          ],
        },
        { resourceType: 2, resourceName: 'orders', configs: [config('retention.ms', '1000')] },
      ],
      validateOnly: false,
    }
    const { resources } = maskedRequest(api as typeof IncrementalAlterConfigs, version, request)
    const values = resources.flatMap(({ configs }) => configs.map(({ value }) => value))
    expect(values).toEqual([stars, stars, stars, '86400000', null, '1000'])
  })

  test('hmacs of delegation tokens', () => {
    const token = {
      principalType: 'User',
      principalName: 'ann',
      tokenRequesterPrincipalType: 'User',
      tokenRequesterPrincipalName: 'ann',
      issueTimestampMs: 1n,
      expiryTimestampMs: 2n,
      maxTimestampMs: 3n,
      tokenId: 'id',
      hmac: secret,
    }
    const create = requestFrame(CreateDelegationToken, 3, {
      ownerPrincipalType: null,
      ownerPrincipalName: null,
      renewers: [],
      maxLifetimeMs: -1n,
    })
    const created = { errorCode: 0, ...token, throttleTimeMs: 0 }
    expect(maskedResponse(CreateDelegationToken, 3, create, created).hmac).toEqual(starBytes)
    expect(maskedRequest(RenewDelegationToken, 2, { hmac: secret, renewPeriodMs: 1n }).hmac).toEqual(
      starBytes,
    )
    expect(maskedRequest(ExpireDelegationToken, 2, { hmac: secret, expiryTimePeriodMs: 1n }).hmac).toEqual(
      starBytes,
    )
    const describeTokens = requestFrame(DescribeDelegationToken, 3, { owners: null })
    const { issueTimestampMs, expiryTimestampMs, maxTimestampMs, ...described } = token
    const tokens = [{ ...described, issueTimestamp: 1n, expiryTimestamp: 2n, maxTimestamp: 3n, renewers: [] }]
    const response = { errorCode: 0, tokens, throttleTimeMs: 0 }
    expect(maskedResponse(DescribeDelegationToken, 3, describeTokens, response).tokens[0]!.hmac).toEqual(
      starBytes,
    )
  })
})

describe('what cannot be told apart is withheld', () => {
  const withheld = (frame: Buffer, keptBytes: number) => {
    const bytes = Buffer.alloc(frame.length)
    frame.copy(bytes, 0, 0, keptBytes)
    return { bytes, secrets: 'withheld' }
  }
  const authenticate = requestFrame(SaslAuthenticate, 1, { authBytes: secret })

  test('a body that cannot be read, and one with bytes behind it', () => {
    const cut = authenticate.subarray(0, authenticate.length - 1)
    expect(new FrameSecrets().request(1, cut)).toEqual(withheld(cut, HEADER_BYTES))
    const long = Buffer.concat([authenticate, secret])
    expect(new FrameSecrets().request(1, long)).toEqual(withheld(long, HEADER_BYTES))
  })

  test('a version that nobody knows', () => {
    const frame = Buffer.from(authenticate)
    frame.writeInt16BE(9, 2)
    const secrets = new FrameSecrets()
    expect(secrets.request(1, frame)).toEqual(withheld(frame, 8))
    expect(secrets.response(1, Buffer.concat([Buffer.alloc(8), secret])).bytes.includes(SECRET)).toBe(false)
  })

  test('a response to a request that nobody saw', () => {
    const response = responseFrame(SaslAuthenticate, 0, {
      errorCode: 0,
      errorMessage: null,
      authBytes: secret,
      sessionLifetimeMs: 0n,
    })
    expect(new FrameSecrets().response(1, response)).toEqual(withheld(response.subarray(4), 4))
  })

  test('requests within an envelope', () => {
    const frame = requestFrame(Envelope, 0, {
      requestData: secret,
      requestPrincipal: null,
      clientHostAddress: secret,
    })
    expect(new FrameSecrets().request(1, frame)).toEqual(withheld(frame, HEADER_BYTES + 1))
  })

  test.each([0, 1])('bare tokens after version %i of SaslHandshake, until a request comes', (version) => {
    const secrets = new FrameSecrets()
    const handshake = requestFrame(SaslHandshake, version, { mechanism: 'PLAIN' })
    const chosen = responseFrame(SaslHandshake, version, {
      errorCode: 0,
      mechanisms: ['PLAIN'],
    })
    expect(secrets.request(1, handshake)).toEqual({ bytes: handshake, secrets: 'none' })
    expect(secrets.response(1, chosen)).toEqual({ bytes: chosen.subarray(4), secrets: 'none' })
    const token = Buffer.from(`\0Ann\0${SECRET}`)
    expect(secrets.request(1, token)).toEqual(withheld(token, 0))
    expect(secrets.response(1, Buffer.concat([Buffer.alloc(4), token]))).toEqual(withheld(token, 4))
    const ofOneLetter = Buffer.from(`\0A\0${SECRET}`)
    expect(secrets.request(1, ofOneLetter)).toEqual(withheld(ofOneLetter, 0))
    const metadata = requestFrame(Metadata, 0, {
      topics: [],
      allowAutoTopicCreation: true,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
    expect(secrets.request(1, metadata).secrets).toBe('none')
  })
})

test('other frames are handed on as they are, even if they are none', () => {
  const secrets = new FrameSecrets()
  for (const frame of [Buffer.alloc(0), Buffer.from('abc'), Buffer.from('99999999999')]) {
    expect(secrets.request(1, frame).bytes).toBe(frame)
  }
})
