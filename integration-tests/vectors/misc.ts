import { isDeepStrictEqual } from 'node:util'
import crc32 from 'crc-32'
import { groupMetadataHash } from '../../src/coordinator/group/consumer/metadata-hash.ts'
import {
  decodeProducerSnapshot,
  encodeProducerSnapshot,
  type ProducerSnapshotEntry,
} from '../../src/log/producer-snapshot.ts'
import { type AbortedEntry, TransactionIndex } from '../../src/log/transaction-index.ts'
import { MemoryFiles } from '../../src/platform/memory-files.ts'
import { crc32c } from '../../src/protocol/crc32c.ts'
import { coordinatorPartition, javaHash, murmur2, murmur2Partition } from '../../src/protocol/hash.ts'
import { Reader } from '../../src/protocol/reader.ts'
import {
  clientFirstBare,
  clientProof,
  clientSignature,
  formatScramCredential,
  isProofRight,
  type ScramExchange,
  saltedPassword,
  scramAttributes,
  scramKeys,
  scramMechanismNamed,
  scramSaslName,
  serverSignature,
} from '../../src/protocol/scram.ts'
import {
  sizeOfVarint,
  sizeOfVarlong,
  VarintReader,
  writeUnsignedVarint,
  writeUnsignedVarlong,
  writeVarint,
  writeVarlong,
} from '../../src/protocol/varint.ts'
import { Writer } from '../../src/protocol/writer.ts'
import { failed, type Outcome, PASSED, skipped } from './outcome.ts'
import type { Vector } from './read-vectors.ts'

const checks: Readonly<Record<string, (vector: Vector) => Outcome>> = {
  murmur2: ({ hex, value, positive, partitions, partition }) => {
    const bytes = bytesOf(hex)
    const hash = murmur2(bytes)
    return same(
      [hash, hash & 0x7fffffff, murmur2Partition(bytes, Number(partitions))],
      [value, positive, partition],
    )
  },
  // The checksum of message formats 0 and 1, from the package that the portable CRC-32C comes from.
  crc32: ({ hex, value }) => same(crc32.buf(bytesOf(hex)) >>> 0, value),
  crc32c: ({ hex, value }) => same(crc32c(bytesOf(hex)), value),
  coordinatorPartition: ({ text, javaHash: hash, partitions, partition }) =>
    same([javaHash(String(text)), coordinatorPartition(String(text), Number(partitions))], [hash, partition]),
  varint: ({ hex, value }) => {
    const number = Number(value)
    return same(
      [read(hex, (reader) => reader.varint()), written(number, writeVarint), sizeOfVarint(number)],
      [number, hex, bytesOf(hex).length],
    )
  },
  uvarint: ({ hex, value }) => {
    const messageReader = new Reader(bytesOf(hex))
    return same(
      [
        read(hex, (reader) => reader.unsignedVarint()),
        messageReader.unsignedVarint('value'),
        written(Number(value), writeUnsignedVarint),
        writtenByMessages(Number(value)),
      ],
      [value, value, hex, hex],
    )
  },
  varlong: ({ hex, value }) => {
    const number = BigInt(String(value))
    return same(
      [read(hex, (reader) => reader.varlong()), written(number, writeVarlong), sizeOfVarlong(number)],
      [number, hex, bytesOf(hex).length],
    )
  },
  uvarlong: ({ hex, value }) => {
    const number = BigInt(String(value))
    return same(
      [read(hex, (reader) => reader.unsignedVarlong()), written(number, writeUnsignedVarlong)],
      [number, hex],
    )
  },
  'varint read': (vector) => checkRead(vector, (reader) => reader.varint()),
  'uvarint read': (vector) => checkRead(vector, (reader) => reader.unsignedVarint()),
  uuid: ({ hex, text }) => {
    const writer = new Writer()
    writer.uuid(String(text))
    return same([new Reader(bytesOf(hex)).uuid('uuid'), writer.finishCopy().toString('hex')], [text, hex])
  },
  groupMetadataHash: ({ topicHashes, value }) => {
    const hashes = Object.entries(topicHashes as Record<string, string>)
    return same(String(groupMetadataHash(new Map(hashes.map(([name, hash]) => [name, BigInt(hash)])))), value)
  },
  scram: checkScram,
  AbortedTxn: checkAbortedTransaction,
  ProducerSnapshotFile: checkProducerSnapshot,
}

/** Hashes, numbers, checksums, and small files. */
export function checkMiscVector(vector: Vector): Outcome {
  const check = checks[vector.message]
  return check ? check(vector) : skipped(`${vector.message}: not built yet`)
}

/** Odd and broken numbers: the value and how many bytes it took, or an error. */
function checkRead(
  { hex, value, bytes, error }: Vector,
  readNumber: (reader: VarintReader) => number,
): Outcome {
  const reader = new VarintReader(bytesOf(hex))
  let found: unknown[]
  try {
    found = [readNumber(reader), reader.at]
  } catch (thrown) {
    return error === undefined ? failed(String(thrown)) : PASSED
  }
  return same(found, [value, bytes])
}

/** A user's keys, and the texts of an exchange that the user survives and a liar does not. */
function checkScram(vector: Vector): Outcome {
  const mechanism = scramMechanismNamed(String(vector.mechanism))
  if (mechanism === undefined) return failed(`${vector.mechanism}: no such mechanism`)
  const salt = bytesOf(vector.salt)
  const iterations = Number(vector.iterations)
  const salted = saltedPassword(mechanism, String(vector.password), salt, iterations)
  const keys = scramKeys(mechanism, salted)
  const clientFirst = String(vector.clientFirst)
  const serverFirst = String(vector.serverFirst)
  const nonce = scramAttributes(serverFirst).get('r')
  const exchange: ScramExchange = { clientFirst, serverFirst, clientFinalWithoutProof: `c=biws,r=${nonce}` }
  const proof = clientProof(mechanism, keys, exchange)
  const wrong = Buffer.from(proof)
  wrong[0]! ^= 1
  const signature = serverSignature(mechanism, keys.serverKey, exchange)
  const challenge = scramAttributes(serverFirst)
  return same(
    {
      saslName: scramSaslName(String(vector.username)),
      user: scramAttributes(clientFirstBare(clientFirst)).get('n'),
      challenge: [challenge.get('s'), challenge.get('i')],
      saltedPassword: salted.toString('hex'),
      clientKey: keys.clientKey.toString('hex'),
      storedKey: keys.storedKey.toString('hex'),
      serverKey: keys.serverKey.toString('hex'),
      clientSignature: clientSignature(mechanism, keys.storedKey, exchange).toString('hex'),
      clientProof: proof.toString('hex'),
      serverSignature: signature.toString('hex'),
      clientFinal: `${exchange.clientFinalWithoutProof},p=${proof.toString('base64')}`,
      serverFinal: `v=${signature.toString('base64')}`,
      isRight: isProofRight(mechanism, keys.storedKey, proof, exchange),
      isWrongRight: isProofRight(mechanism, keys.storedKey, wrong, exchange),
      credential: formatScramCredential(salt, keys, iterations),
    },
    {
      saslName: vector.saslName,
      user: vector.saslName,
      challenge: [salt.toString('base64'), String(iterations)],
      saltedPassword: vector.saltedPassword,
      clientKey: vector.clientKey,
      storedKey: vector.storedKey,
      serverKey: vector.serverKey,
      clientSignature: vector.clientSignature,
      clientProof: vector.clientProof,
      serverSignature: vector.serverSignature,
      clientFinal: vector.clientFinal,
      serverFinal: vector.serverFinal,
      isRight: true,
      isWrongRight: false,
      credential: vector.credential,
    },
  )
}

function checkAbortedTransaction({ hex, value }: Vector): Outcome {
  const named = Object.entries(value as Record<string, string>)
  const entry = Object.fromEntries(named.map(([name, text]) => [name, BigInt(text)]))
  const files = new MemoryFiles()
  const path = '/index'
  new TransactionIndex(files, path, true).append(entry as unknown as AbortedEntry)
  const entries = new TransactionIndex(files, path, false).entries
  return same([files.read(path).toString('hex'), entries], [hex, [entry]])
}

function checkProducerSnapshot({ hex, entries }: Vector): Outcome {
  const expected = (entries as Record<string, string | number>[]).map(
    (entry): ProducerSnapshotEntry => ({
      producerId: BigInt(entry.producerId!),
      producerEpoch: Number(entry.epoch),
      lastSequence: Number(entry.lastSequence),
      lastOffset: BigInt(entry.lastOffset!),
      offsetDelta: Number(entry.offsetDelta),
      timestamp: BigInt(entry.timestamp!),
      coordinatorEpoch: Number(entry.coordinatorEpoch),
      currentTxnFirstOffset: BigInt(entry.currentTxnFirstOffset!),
    }),
  )
  return same(
    [decodeProducerSnapshot(bytesOf(hex)), encodeProducerSnapshot(expected).toString('hex')],
    [expected, hex],
  )
}

function bytesOf(hex: unknown): Buffer {
  return Buffer.from(String(hex), 'hex')
}

/** What is read, if it takes all bytes. */
function read<T>(hex: unknown, readNumber: (reader: VarintReader) => T): T | string {
  const reader = new VarintReader(bytesOf(hex))
  const number = readNumber(reader)
  return reader.at === reader.end ? number : `${reader.end - reader.at} bytes are left`
}

function written<T>(value: T, write: (bytes: Buffer, at: number, value: T) => number): string {
  const bytes = Buffer.alloc(10)
  return bytes.toString('hex', 0, write(bytes, 0, value))
}

function writtenByMessages(value: number): string {
  const writer = new Writer()
  writer.unsignedVarint(value)
  return writer.finishCopy().toString('hex')
}

function same(actual: unknown, expected: unknown): Outcome {
  return isDeepStrictEqual(actual, expected)
    ? PASSED
    : failed(`expected ${describe(expected)}, got ${describe(actual)}`)
}

function describe(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}` : part)).slice(
    0,
    300,
  )
}
