import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../protocol/error-code.ts'
import { alterClientQuotas } from './alter-client-quotas.ts'
import { alterUserScramCredentials } from './alter-user-scram-credentials.ts'
import { describeClientQuotas } from './describe-client-quotas.ts'
import { describeUserScramCredentials } from './describe-user-scram-credentials.ts'
import { type Ask, metadataBroker } from './test-support/metadata-broker.ts'

describe('client quotas', () => {
  type Entity = Readonly<Record<string, string | null>>
  type Quotas = Readonly<Record<string, number | null>>
  const rows = (entity: Entity) =>
    Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }))
  const alter = async (ask: Ask, entries: readonly (readonly [Entity, Quotas])[], validateOnly = false) =>
    (
      await ask(alterClientQuotas, 1, {
        entries: entries.map(([entity, quotas]) => ({
          entity: rows(entity),
          ops: Object.entries(quotas).map(([key, value]) => ({
            key,
            value: value ?? 0,
            remove: value === null,
          })),
        })),
        validateOnly,
      })
    ).entries.map(({ errorCode }) => errorCode)
  const answer = async (
    ask: Ask,
    components: readonly (readonly [entityType: string, matchType: number, match: string | null])[],
    strict = false,
  ) =>
    await ask(describeClientQuotas, 1, {
      components: components.map(([entityType, matchType, match]) => ({ entityType, matchType, match })),
      strict,
    })
  const found = async (...args: Parameters<typeof answer>) =>
    (await answer(...args)).entries!.map(({ entity, values }) => [
      Object.fromEntries(entity.map(({ entityType, entityName }) => [entityType, entityName])),
      Object.fromEntries(values.map(({ key, value }) => [key, value])),
    ])

  test('what is set is there after a restart, until it is removed', async () => {
    const first = await metadataBroker()
    const alice = { user: 'alice' }
    expect(await alter(first.ask, [[alice, { producer_byte_rate: 1000, request_percentage: 0.5 }]])).toEqual([
      0,
    ])
    expect(await alter(first.ask, [[alice, { request_percentage: null, consumer_byte_rate: null }]])).toEqual(
      [0],
    )
    await first.harness.stop()
    const { ask } = await metadataBroker(first.files)
    expect(await found(ask, [])).toEqual([[alice, { producer_byte_rate: 1000 }]])
    expect(await alter(ask, [[alice, { producer_byte_rate: null }]])).toEqual([0])
    expect(await found(ask, [])).toEqual([])
  })

  test('filters: by name, the default, anything; a strict one wants no other parts', async () => {
    const { ask } = await metadataBroker()
    const entities: Entity[] = [
      { user: 'alice' },
      { 'client-id': 'c1', user: 'alice' },
      { user: null },
      { 'client-id': 'c1' },
      { ip: '10.0.0.1' },
    ]
    const quotasOf = (entity: Entity): Quotas =>
      'ip' in entity ? { connection_creation_rate: 5 } : { producer_byte_rate: 5 }
    await alter(
      ask,
      entities.map((entity) => [entity, quotasOf(entity)] as const),
    )
    const names = async (...args: Parameters<typeof answer>) =>
      (await found(...args)).map(([entity]) => entity)
    expect(await names(ask, [])).toEqual(entities)
    expect(await names(ask, [], true)).toEqual([])
    expect(await names(ask, [['user', 0, 'alice']])).toEqual([entities[0], entities[1]])
    expect(await names(ask, [['user', 0, 'alice']], true)).toEqual([entities[0]])
    expect(await names(ask, [['user', 1, null]])).toEqual([entities[2]])
    expect(await names(ask, [['user', 2, null]])).toEqual(entities.slice(0, 3))
    expect(
      await names(ask, [
        ['user', 2, null],
        ['client-id', 2, null],
      ]),
    ).toEqual([entities[1]])
    expect(await names(ask, [['ip', 2, null]])).toEqual([entities[4]])
  })

  test('filters that are refused', async () => {
    const { ask } = await metadataBroker()
    const code = async (...components: Parameters<typeof answer>[1]) =>
      (await answer(ask, components)).errorCode
    expect(await code(['planet', 0, 'mars'])).toBe(ErrorCode.UNSUPPORTED_VERSION)
    for (const components of [
      [['', 0, 'x']],
      [['user', 9, null]],
      [['user', 0, null]],
      [['user', 1, 'x']],
      [
        ['user', 0, 'a'],
        ['user', 0, 'b'],
      ],
      [
        ['user', 0, 'a'],
        ['ip', 2, null],
      ],
    ] as const) {
      expect([components, await code(...components)]).toEqual([components, ErrorCode.INVALID_REQUEST])
    }
    expect((await answer(ask, [['user', 9, null]])).entries).toBe(null)
  })

  test('changes that are refused, each for itself', async () => {
    const { ask } = await metadataBroker()
    const bad: (readonly [Entity, Quotas])[] = [
      [{ user: 'x' }, { speed: 1 }],
      [{ user: 'x' }, { producer_byte_rate: 0 }],
      [{ user: 'x' }, { producer_byte_rate: 1.5 }],
      [{ user: 'x' }, { producer_byte_rate: 1e19 }],
      [{ user: 'x' }, { connection_creation_rate: 1 }],
      [{ user: '' }, { producer_byte_rate: 1 }],
      [{ planet: 'mars' }, { producer_byte_rate: 1 }],
      [{}, { producer_byte_rate: 1 }],
      [{ ip: 'no.such.host' }, { connection_creation_rate: 1 }],
      [{ ip: '10.0.0.1', user: 'x' }, { connection_creation_rate: 1 }],
      [{ ip: '10.0.0.1' }, { connection_creation_rate: 3e9 }],
    ]
    for (const each of bad)
      expect([each, await alter(ask, [each])]).toEqual([each, [ErrorCode.INVALID_REQUEST]])
    expect(await found(ask, [])).toEqual([])
    const good = [{ user: 'good' }, { producer_byte_rate: 1 }] as const
    expect(await alter(ask, [bad[0]!, good])).toEqual([ErrorCode.INVALID_REQUEST, 0])
    expect(await found(ask, [])).toEqual([[...good]])
  })

  test('an entity that stands there twice is answered once, with an error; a rehearsal changes nothing', async () => {
    const { ask } = await metadataBroker()
    const once = [{ user: 'u' }, { producer_byte_rate: 1 }] as const
    expect(await alter(ask, [once], true)).toEqual([0])
    expect(await found(ask, [])).toEqual([])
    expect(await alter(ask, [once, [{ user: 'u' }, { producer_byte_rate: 2 }]])).toEqual([
      ErrorCode.INVALID_REQUEST,
    ])
    expect(await found(ask, [])).toEqual([[...once]])
  })
})

describe('SCRAM users', () => {
  const upsertion = (name: string, rest: object = {}) => ({
    name,
    mechanism: 1,
    iterations: 4096,
    salt: Buffer.from('salt'),
    saltedPassword: Buffer.alloc(32),
    ...rest,
  })
  const alter = async (ask: Ask, deletions: readonly object[], upsertions: readonly object[]) =>
    (await ask(alterUserScramCredentials, 0, { deletions, upsertions })).results.map(
      ({ user, errorCode }) => [user, errorCode],
    )
  const described = async (ask: Ask, ...names: string[]) =>
    (
      await ask(describeUserScramCredentials, 0, {
        users: names.length > 0 ? names.map((name) => ({ name })) : null,
      })
    ).results.map(({ user, errorCode, credentialInfos }) => [user, errorCode, credentialInfos])

  test('are there after a restart, one credential for each mechanism; keys as RFC 5802 makes them', async () => {
    const first = await metadataBroker()
    await alter(first.ask, [], [upsertion('u')])
    await alter(
      first.ask,
      [],
      [upsertion('u', { mechanism: 2, iterations: 8192, saltedPassword: Buffer.alloc(64) })],
    )
    await first.harness.stop()
    const { ask, image } = await metadataBroker(first.files)
    const both = [
      { mechanism: 1, iterations: 4096 },
      { mechanism: 2, iterations: 8192 },
    ]
    expect(await described(ask)).toEqual([['u', 0, both]])
    const { salt, storedKey, serverKey } = image.scramCredentials.get('u', 1)!
    expect(salt.toString()).toBe('salt')
    expect([storedKey.length, serverKey.length]).toEqual([32, 32])
    expect(await alter(ask, [{ name: 'u', mechanism: 1 }], [])).toEqual([['u', 0]])
    expect(await described(ask)).toEqual([['u', 0, [both[1]]]])
    await alter(ask, [{ name: 'u', mechanism: 2 }], [])
    expect(await described(ask)).toEqual([])
  })

  test('are described by name, each once', async () => {
    const { ask } = await metadataBroker()
    await alter(ask, [], [upsertion('u')])
    expect(await described(ask, 'u', 'nobody', 'v', 'v')).toEqual([
      ['u', 0, [{ mechanism: 1, iterations: 4096 }]],
      ['nobody', ErrorCode.RESOURCE_NOT_FOUND, []],
      ['v', ErrorCode.DUPLICATE_RESOURCE, []],
    ])
  })

  test('what is refused, each user for itself', async () => {
    const { ask } = await metadataBroker()
    const results = await alter(
      ask,
      [{ name: 'nobody', mechanism: 1 }],
      [
        upsertion('few', { iterations: 4095 }),
        upsertion('many', { iterations: 16385 }),
        upsertion('mechanism', { mechanism: 9 }),
        upsertion(''),
        upsertion('empty', { saltedPassword: Buffer.alloc(0) }),
        upsertion('twice'),
        upsertion('twice', { mechanism: 2 }),
        upsertion('good'),
        upsertion('nobody'),
      ],
    )
    expect(results).toEqual([
      ['nobody', ErrorCode.RESOURCE_NOT_FOUND],
      ['few', ErrorCode.UNACCEPTABLE_CREDENTIAL],
      ['many', ErrorCode.UNACCEPTABLE_CREDENTIAL],
      ['mechanism', ErrorCode.UNSUPPORTED_SASL_MECHANISM],
      ['', ErrorCode.UNACCEPTABLE_CREDENTIAL],
      ['empty', ErrorCode.UNKNOWN_SERVER_ERROR],
      ['twice', ErrorCode.DUPLICATE_RESOURCE],
      ['good', 0],
    ])
    expect((await described(ask)).map(([user]) => user)).toEqual(['good'])
    expect(await alter(ask, [{ name: 'good', mechanism: 1 }], [upsertion('good')])).toEqual([
      ['good', ErrorCode.DUPLICATE_RESOURCE],
    ])
    expect((await described(ask)).map(([user]) => user)).toEqual(['good'])
  })
})
