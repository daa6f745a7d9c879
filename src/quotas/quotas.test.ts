import { describe, expect, test } from 'vitest'
import { BrokerConfig } from '../config/broker-config.ts'
import { ManualClock } from '../platform/manual-clock.ts'
import { type EntityQuotas, Quotas } from './quotas.ts'

const anonymous = (clientId: string) => ({ user: 'ANONYMOUS', clientId })
const quota = (
  entity: Readonly<Record<string, string | null>>,
  values: Readonly<Record<string, number>>,
): EntityQuotas => ({ entity: new Map(Object.entries(entity)), values: new Map(Object.entries(values)) })

function setUp(properties: Readonly<Record<string, string>> = {}) {
  const clock = new ManualClock()
  const quotas = new Quotas(BrokerConfig.fromProperties(new Map(Object.entries(properties))), clock)
  return { clock, quotas }
}

describe('Quotas', () => {
  test('nothing is counted while nobody has a limit', () => {
    const { quotas } = setUp()
    expect(quotas.isSet).toBe(false)
    expect(quotas.produce.record(anonymous('c'), 1e12, 0)).toBe(0)
    quotas.update([quota({ 'client-id': 'c' }, { consumer_byte_rate: 1 })])
    expect(quotas.isSet).toBe(true)
    expect(quotas.produce.record(anonymous('c'), 1e12, 0)).toBe(0)
    expect(quotas.produce.size).toBe(0)
    quotas.update([quota({ ip: null }, { connection_creation_rate: 1 })])
    expect(quotas.isSet).toBe(false)
  })

  test('a limit that is changed holds for what was counted before', () => {
    const { quotas } = setUp()
    const { produce } = quotas
    quotas.update([quota({ 'client-id': 'c' }, { producer_byte_rate: 100 })])
    expect(produce.record(anonymous('c'), 2000, 0)).toBe(10_000)
    quotas.update([quota({ 'client-id': 'c' }, { producer_byte_rate: 1000 })])
    expect(produce.record(anonymous('c'), 0, 0)).toBe(0)
    quotas.update([quota({ 'client-id': null }, { producer_byte_rate: 100 })])
    expect(produce.record(anonymous('c'), 0, 0)).toBe(10_000)
    quotas.update([])
    expect(produce.record(anonymous('c'), 0, 0)).toBe(0)
  })

  test('a limit that is no number is none', () => {
    const { quotas } = setUp()
    quotas.update([quota({ 'client-id': 'c' }, { producer_byte_rate: Number.NaN })])
    expect(quotas.produce.record(anonymous('c'), 1e12, 0)).toBe(0)
    expect(quotas.isSet).toBe(false)
  })

  test('quota.window.num and quota.window.size.seconds', () => {
    const { quotas } = setUp({ 'quota.window.num': '3', 'quota.window.size.seconds': '2' })
    quotas.update([quota({ user: null }, { consumer_byte_rate: 100, request_percentage: 1 })])
    expect(quotas.fetch.maxInWindows(anonymous('c'))).toBe(400)
    expect(quotas.fetch.record(anonymous('c'), 400, 0)).toBe(0)
    expect(quotas.fetch.record(anonymous('c'), 100, 0)).toBe(1000)
    // The time that a client takes is never held against it for longer than one window.
    expect(quotas.request.record(anonymous('c'), 1000, 0)).toBe(2000)
  })

  test('clients with ever new ids are forgotten as soon as they do not count any more', () => {
    const { clock, quotas } = setUp()
    const { produce, mutations } = quotas
    quotas.update([quota({ 'client-id': null }, { producer_byte_rate: 1, controller_mutation_rate: 10 })])
    for (let i = 0; i < 10_000; i++) {
      produce.record(anonymous(`id-${i}`), 1000, quotas.nowMs())
      mutations.recordStrictly(anonymous(`id-${i}`), 1, quotas.nowMs())
      clock.advance(10)
    }
    expect(produce.size).toBeLessThan(2200)
    expect(mutations.size).toBeLessThan(1200)
  })
})

test('what Apache Kafka 4.3 answered while quotas of all eight levels came and went', () => {
  const { quotas } = setUp()
  const levels: EntityQuotas[] = [
    quota({ 'client-id': null }, { producer_byte_rate: 8 }),
    quota({ 'client-id': 'client' }, { producer_byte_rate: 7 }),
    quota({ user: null }, { producer_byte_rate: 6 }),
    quota({ user: null, 'client-id': null }, { producer_byte_rate: 5 }),
    quota({ user: null, 'client-id': 'client' }, { producer_byte_rate: 4 }),
    quota({ user: 'ANONYMOUS' }, { producer_byte_rate: 3 }),
    quota({ user: 'ANONYMOUS', 'client-id': null }, { producer_byte_rate: 2 }),
    quota({ user: 'ANONYMOUS', 'client-id': 'client' }, { producer_byte_rate: 1 }),
  ]
  /** Seconds of throttling for a client that the quotas name and for another one, both with a request of about 4 kB. */
  const answers: number[] = []
  const produce = (count: number) => {
    quotas.update(levels.slice(0, count))
    answers.push(quotas.produce.record(anonymous('client'), 4112, 0) / 1000)
    answers.push(quotas.produce.record(anonymous('other'), 4111, 0) / 1000)
  }
  for (let count = 1; count <= levels.length; count++) produce(count)
  for (let count = levels.length - 1; count >= 0; count--) produce(count)
  const ofKafka = [
    ...[504, 504, 1165, 1018, 675, 1360, 812, 812, 2046, 1634, 4101, 5471, 6157, 6156, 16437, 8211],
    ...[10270, 10267, 6842, 8212, 6158, 4923, 5746, 5745, 4787, 5472, 1752, 1531, 2045, 2045, 0, 0],
  ]
  expect(answers).toHaveLength(ofKafka.length)
  for (const [i, seconds] of answers.entries())
    expect([i, Math.abs(seconds - ofKafka[i]!) < 6]).toEqual([i, true])
})

describe('connections', () => {
  test('as many as the rate allows over all windows, then none for a second at most', () => {
    const { clock, quotas } = setUp()
    quotas.update([quota({ ip: '127.0.0.1' }, { connection_creation_rate: 1 })])
    const open = () => quotas.recordConnection('127.0.0.1')
    expect(Array.from({ length: 10 }, open)).toEqual(Array(10).fill(0))
    expect(open()).toBe(1000)
    expect(quotas.recordConnection('127.0.0.2')).toBe(0)
    // Those that were not served do not count.
    clock.advance(10_999)
    expect(open()).toBe(1)
    clock.advance(1)
    expect(Array.from({ length: 10 }, open)).toEqual(Array(10).fill(0))
  })

  test('an address is the same however it is written; the default is for the others, each for itself', () => {
    const { quotas } = setUp()
    quotas.update([
      quota({ ip: '0:0:0:0:0:0:0:1' }, { connection_creation_rate: 1 }),
      quota({ ip: '10.1' }, { connection_creation_rate: 2 }),
      quota({ ip: 'some.host.example' }, { connection_creation_rate: 1 }),
      quota({ ip: null }, { connection_creation_rate: 3 }),
    ])
    const served = (address: string) => {
      let count = 0
      while (quotas.recordConnection(address) === 0) count++
      return count
    }
    expect([served('::1'), served('10.0.0.1'), served('10.0.0.2'), served('fe80::1')]).toEqual([
      10, 20, 30, 30,
    ])
  })
})
