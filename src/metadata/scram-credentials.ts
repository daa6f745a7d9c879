import type {
  RemoveUserScramCredentialRecord,
  UserScramCredentialRecord,
} from '../protocol/generated/metadata-records.ts'

/** By which a user proves that it knows a password that the broker does not (KIP-554). */
export interface StoredScramCredential {
  /** As `ScramMechanism` numbers them. */
  readonly mechanism: number
  readonly iterations: number
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** SCRAM users as the metadata log has them. */
export class ScramCredentials {
  readonly #users = new Map<string, Map<number, StoredScramCredential>>()

  /** Names of the users that have a credential. */
  users(): Iterable<string> {
    return this.#users.keys()
  }

  /** One for each mechanism that the user may authenticate by. */
  of(user: string): StoredScramCredential[] {
    return [...(this.#users.get(user)?.values() ?? [])]
  }

  get(user: string, mechanism: number): StoredScramCredential | undefined {
    return this.#users.get(user)?.get(mechanism)
  }

  replay({ name, mechanism, iterations, salt, storedKey, serverKey }: UserScramCredentialRecord): void {
    let credentials = this.#users.get(name)
    if (!credentials) {
      credentials = new Map()
      this.#users.set(name, credentials)
    }
    credentials.set(mechanism, { mechanism, iterations, salt, storedKey, serverKey })
  }

  replayRemoval({ name, mechanism }: RemoveUserScramCredentialRecord): void {
    const credentials = this.#users.get(name)
    if (credentials?.delete(mechanism) && credentials.size === 0) this.#users.delete(name)
  }
}
