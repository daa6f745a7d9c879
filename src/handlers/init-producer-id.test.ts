import { expect, test } from 'vitest'
import { ErrorCode } from '../protocol/error-code.ts'
import type { InitProducerIdRequest, InitProducerIdResponse } from '../protocol/generated/init-producer-id.ts'
import { Writer } from '../protocol/writer.ts'
import type { BrokerServices, RequestContext } from './handler.ts'
import { initProducerId } from './init-producer-id.ts'
import { ProducerIds } from './producer-ids.ts'

const producerIds = new ProducerIds(async () => ({ firstProducerId: 1000n, count: 1000 }))
const broker = { producerIds } as unknown as BrokerServices

async function ask(request: Partial<InitProducerIdRequest>): Promise<InitProducerIdResponse> {
  const whole = {
    transactionalId: null,
    transactionTimeoutMs: 1000,
    producerId: -1n,
    producerEpoch: -1,
    ...request,
  }
  const context = { broker } as unknown as RequestContext
  return (await initProducerId.handle(whole as InitProducerIdRequest, context)) as InitProducerIdResponse
}

test('every producer gets an id of its own, and the answer can be written in every version', async () => {
  const { api } = initProducerId
  const writer = new Writer()
  const ids = new Set<bigint>()
  for (let version = api.minVersion; version <= api.maxVersion; version++) {
    const answer = await ask({})
    expect(answer).toMatchObject({ errorCode: ErrorCode.NONE, producerEpoch: 0 })
    ids.add(answer.producerId)
    writer.reset()
    api.response.encode(writer, answer, version)
  }
  expect(ids.size).toBe(api.maxVersion - api.minVersion + 1)
})

test.each<[what: string, request: Partial<InitProducerIdRequest>, errorCode: number]>([
  ['an id without its epoch', { producerId: 7n }, ErrorCode.INVALID_REQUEST],
  ['an epoch without its id', { producerEpoch: 3 }, ErrorCode.INVALID_REQUEST],
  ['an empty transactional id', { transactionalId: '' }, ErrorCode.INVALID_REQUEST],
  // An error at which clients ask again would keep a transactional producer waiting for what does not come.
  ['a transactional id', { transactionalId: 'orders' }, ErrorCode.UNSUPPORTED_VERSION],
])('refuses %s', async (_, request, errorCode) => {
  expect(await ask(request)).toMatchObject({ errorCode, producerId: -1n, producerEpoch: -1 })
})
