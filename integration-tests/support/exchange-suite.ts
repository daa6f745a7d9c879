import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { expect, test } from 'vitest'
import { clientSuite, givenBroker, sharedBroker } from './client-suite.ts'
import { clientsFolder } from './repository.ts'
import { outputOf, succeeds } from './run-program.ts'

/**
 * A program around a client, in the client's own language. Its arguments are the address of a broker and one of
 *
 * - `produce TOPIC CODEC,... COUNT`: so many records with each codec, keys `CODEC-0` on, to partition 0, acknowledged by all replicas;
 * - `consume TOPIC COUNT`: reads partition 0 from its beginning until it has so many records;
 * - `group TOPIC COUNT GROUP`: the same as a member of a group, from the group's offset on, and commits.
 *
 * It prints a line for each record that it read: offset, key and value, with tabs between. It ends with 0, also when after half a minute
 * there are too few records.
 */
export interface ExchangeProgram {
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** What the client can compress with and decompress. */
  readonly codecs: readonly string[]
  /** Apache Kafka serves it no more, also before its version 4: it is not run against a given broker. */
  readonly isBeyondKafka?: boolean
}

const WHAT = 'exchanges records with the newest client, alone and in a group'
const RECORDS_PER_CODEC = 25
const RECORDS_AFTER_COMMIT = 10

const python = join(clientsFolder, 'python', 'bin', 'python')
const newestClient = [python, join(import.meta.dirname, '..', 'clients', 'python', 'exchange.py')]

function missingNewestClient(): string | undefined {
  const isThere = existsSync(python) && succeeds(python, ['-c', 'import confluent_kafka'])
  return isThere ? undefined : 'no confluent-kafka (integration-tests/clients/install.sh)'
}

/**
 * An old client and the newest one on the same topic: each reads what both wrote, so that records are converted up on their way in and
 * down on their way out. Then the old client does it as a group, which goes on where it committed.
 */
export function exchangeSuite(name: string, missing: string | undefined, program: ExchangeProgram): void {
  const { command, env, codecs, isBeyondKafka = false } = program
  clientSuite(name, missing ?? missingNewestClient(), () => {
    const broker = sharedBroker()
    const runWith =
      (command: readonly string[], env: Readonly<Record<string, string>> = {}) =>
      async (...args: readonly (string | number)[]) => {
        const [file, ...rest] = command
        const output = await outputOf(file!, [...rest, broker.bootstrapServers, ...args.map(String)], { env })
        return output.split('\n').slice(0, -1)
      }

    test.skipIf(isBeyondKafka && givenBroker !== undefined)(WHAT, async () => {
      const [old, newest] = [runWith(command, env), runWith(newestClient)]
      const [topic, group] = [`exchange-${randomUUID()}`, `group-${randomUUID()}`]
      await createTopic(broker.bootstrapServers, topic)
      await old('produce', topic, codecs.join(), RECORDS_PER_CODEC)
      await newest('produce', topic, codecs.join(), RECORDS_PER_CODEC)
      const expected = [...linesOf(codecs, 0), ...linesOf(codecs, codecs.length * RECORDS_PER_CODEC)]
      const [alone, asGroup, byNewest] = await Promise.all([
        old('consume', topic, expected.length),
        old('group', topic, expected.length, group),
        newest('consume', topic, expected.length),
      ])
      expect(byNewest).toEqual(expected)
      expect(alone).toEqual(expected)
      expect(asGroup).toEqual(expected)

      await newest('produce', topic, 'none', RECORDS_AFTER_COMMIT)
      expect(await old('group', topic, RECORDS_AFTER_COMMIT, group)).toEqual(
        linesOf(['none'], expected.length).slice(0, RECORDS_AFTER_COMMIT),
      )
    })
  })
}

/** What a program prints for the records of one `produce`. */
function linesOf(codecs: readonly string[], firstOffset: number): string[] {
  return codecs.flatMap((codec, i) =>
    Array.from({ length: RECORDS_PER_CODEC }, (_, n) => {
      const offset = firstOffset + i * RECORDS_PER_CODEC + n
      return `${offset}\t${codec}-${n}\tvalue ${codec}-${n} ${'text '.repeat(20)}`
    }),
  )
}

async function createTopic(bootstrapServers: string, topic: string): Promise<void> {
  const admin = new Kafka({ brokers: [bootstrapServers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
  await admin.disconnect()
}
