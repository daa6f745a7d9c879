import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'

/** SCRAM mechanisms by the numbers that Kafka gives them (KIP-84). */
export const ScramMechanism = { SCRAM_SHA_256: 1, SCRAM_SHA_512: 2 } as const

export interface ScramMechanismFacts {
  /** As SASL calls it. */
  readonly name: string
  /** Node's name of the hash. */
  readonly hash: string
  /** Length of a hash and of every key. */
  readonly hashBytes: number
  /** Fewer are too easy to guess. */
  readonly minIterations: number
}

const mechanisms: ReadonlyMap<number, ScramMechanismFacts> = new Map([
  [
    ScramMechanism.SCRAM_SHA_256,
    { name: 'SCRAM-SHA-256', hash: 'sha256', hashBytes: 32, minIterations: 4096 },
  ],
  [
    ScramMechanism.SCRAM_SHA_512,
    { name: 'SCRAM-SHA-512', hash: 'sha512', hashBytes: 64, minIterations: 4096 },
  ],
])

/** undefined for a number that no mechanism has. */
export function scramMechanism(mechanism: number): ScramMechanismFacts | undefined {
  return mechanisms.get(mechanism)
}

/** The number of a mechanism that SASL calls `name`. */
export function scramMechanismNamed(name: string): number | undefined {
  for (const [mechanism, facts] of mechanisms) if (facts.name === name) return mechanism
  return undefined
}

function factsOf(mechanism: number): ScramMechanismFacts {
  const facts = mechanisms.get(mechanism)
  if (!facts) throw new RangeError(`there is no SCRAM mechanism ${mechanism}`)
  return facts
}

/** What a client makes of its password, so that the password itself never travels. */
export function saltedPassword(
  mechanism: number,
  password: string,
  salt: Buffer,
  iterations: number,
): Buffer {
  const { hash, hashBytes } = factsOf(mechanism)
  return pbkdf2Sync(password, salt, iterations, hashBytes, hash)
}

/** Keys of RFC 5802. A broker keeps `storedKey` and `serverKey`; `clientKey` is the client's secret. */
export interface ScramKeys {
  readonly clientKey: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

export function scramKeys(mechanism: number, salted: Buffer): ScramKeys {
  const { hash } = factsOf(mechanism)
  const clientKey = hmac(hash, salted, 'Client Key')
  const storedKey = createHash(hash).update(clientKey).digest()
  return { clientKey, storedKey, serverKey: hmac(hash, salted, 'Server Key') }
}

/** The four messages of an exchange, and what both sides sign: all but the client's proof. */
export interface ScramExchange {
  readonly clientFirst: string
  readonly serverFirst: string
  /** Without its proof. */
  readonly clientFinalWithoutProof: string
}

/** Proves that the client knows the key: its key, hidden behind a signature that the broker can make too. */
export function clientProof(mechanism: number, keys: ScramKeys, exchange: ScramExchange): Buffer {
  return xor(keys.clientKey, clientSignature(mechanism, keys.storedKey, exchange))
}

export function clientSignature(mechanism: number, storedKey: Buffer, exchange: ScramExchange): Buffer {
  return hmac(factsOf(mechanism).hash, storedKey, authMessage(exchange))
}

/** Proves to the client that the broker knows the user. */
export function serverSignature(mechanism: number, serverKey: Buffer, exchange: ScramExchange): Buffer {
  return hmac(factsOf(mechanism).hash, serverKey, authMessage(exchange))
}

/** Whether the hash of the key behind `proof` is the stored one. */
export function isProofRight(
  mechanism: number,
  storedKey: Buffer,
  proof: Buffer,
  exchange: ScramExchange,
): boolean {
  const { hash, hashBytes } = factsOf(mechanism)
  if (proof.length !== hashBytes) return false
  const clientKey = xor(proof, clientSignature(mechanism, storedKey, exchange))
  return createHash(hash).update(clientKey).digest().equals(storedKey)
}

function authMessage({ clientFirst, serverFirst, clientFinalWithoutProof }: ScramExchange): string {
  return `${clientFirstBare(clientFirst)},${serverFirst},${clientFinalWithoutProof}`
}

/** The client's first message without its GS2 header: all behind the second comma. */
export function clientFirstBare(clientFirst: string): string {
  return clientFirst.slice(clientFirst.indexOf(',', clientFirst.indexOf(',') + 1) + 1)
}

/** A user's name as it stands in a message: commas and equals signs are written as numbers. */
export function scramSaslName(username: string): string {
  return username.replaceAll('=', '=3D').replaceAll(',', '=2C')
}

/** The attributes of a message by their letters; values may hold equals signs. */
export function scramAttributes(message: string): ReadonlyMap<string, string> {
  return new Map(message.split(',').map((part) => [part.slice(0, 1), part.slice(2)]))
}

/** How Kafka's tools write a credential down. */
export function formatScramCredential(
  salt: Buffer,
  { storedKey, serverKey }: Pick<ScramKeys, 'storedKey' | 'serverKey'>,
  iterations: number,
): string {
  const text = (bytes: Buffer) => bytes.toString('base64')
  return `salt=${text(salt)},stored_key=${text(storedKey)},server_key=${text(serverKey)},iterations=${iterations}`
}

function hmac(hash: string, key: Buffer, message: string): Buffer {
  return createHmac(hash, key).update(message).digest()
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, at) => byte ^ b[at]!))
}
