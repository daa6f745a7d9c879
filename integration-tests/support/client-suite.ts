import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BrokerProcess } from './broker-process.ts'

/** Programs in other languages start slowly on a busy machine. */
const SUITE_TEST_TIMEOUT_MS = 90_000

/** How much of an unexpected log a failed test shows. */
const LOG_SHOWN = 1000

/** Set by `.ci/run`: a toolchain that is not there is a failure, not a reason to skip. */
export const requiresAll = process.env.ODRADEK_REQUIRE_ALL === '1'

/** `host:port` of a broker to run the suites against instead of Odradek: Apache Kafka, to see that a suite is right. */
export const givenBroker = process.env.ODRADEK_TEST_BROKER

/**
 * A suite that needs more than Node. `missing` says what is not there (undefined: nothing); then the suite is skipped under a name that
 * carries the reason, and one line says so.
 */
export function clientSuite(name: string, missing: string | undefined, define: () => void): void {
  if (missing === undefined) {
    describe(name, { timeout: SUITE_TEST_TIMEOUT_MS }, define)
  } else if (requiresAll) {
    test(name, () => expect.fail(`did not run: ${missing}`))
  } else {
    console.log(`${name} did not run: ${missing}`)
    describe.skip(`${name} did not run: ${missing}`, define)
  }
}

/** The broker that the tests of the surrounding `describe` share. */
export interface SharedBroker {
  /** To be asked within tests. */
  readonly bootstrapServers: string
}

/** One broker for the tests of the surrounding `describe`, in a process of its own. It must have logged nothing and end with 0. */
export function sharedBroker(): SharedBroker {
  let broker: BrokerProcess | undefined
  beforeAll(async () => {
    if (givenBroker === undefined) {
      broker = await BrokerProcess.start({ properties: ['group.initial.rebalance.delay.ms=0'] })
    }
  })
  afterAll(async () => {
    if (!broker) return
    const code = await broker.stop()
    expect({ code, log: broker.log.slice(0, LOG_SHOWN) }).toEqual({ code: 0, log: '' })
  })
  return {
    get bootstrapServers() {
      return givenBroker ?? broker!.bootstrapServers
    },
  }
}
