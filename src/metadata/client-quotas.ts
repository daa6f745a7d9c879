import type { ClientQuotaRecord } from '../protocol/generated/metadata-records.ts'

/** Whom a quota is for: a user, a client id or an address, or a user together with a client id. null stands for the default of all. */
export type QuotaEntity = ReadonlyMap<string, string | null>

/** One entity with its quotas by their keys. */
export interface QuotaEntry {
  readonly entity: QuotaEntity
  readonly values: ReadonlyMap<string, number>
}

const NONE: ReadonlyMap<string, number> = new Map()

/** Quotas of clients (KIP-546) as the metadata log has them. */
export class ClientQuotas {
  readonly #entries = new Map<
    string,
    { readonly entity: QuotaEntity; readonly values: Map<string, number> }
  >()

  #version = 0

  /** Another one after each change. */
  get version(): number {
    return this.#version
  }

  /** Of every entity that has a quota. */
  all(): Iterable<QuotaEntry> {
    return this.#entries.values()
  }

  of(entity: QuotaEntity): ReadonlyMap<string, number> {
    return this.#entries.get(quotaEntityKey(entity))?.values ?? NONE
  }

  replay({ entity: rows, key, value, remove }: ClientQuotaRecord): void {
    this.#version++
    const entity = new Map(rows.map(({ entityType, entityName }) => [entityType, entityName]))
    const id = quotaEntityKey(entity)
    let entry = this.#entries.get(id)
    if (!remove) {
      if (!entry) {
        entry = { entity, values: new Map() }
        this.#entries.set(id, entry)
      }
      entry.values.set(key, value)
    } else if (entry?.values.delete(key) && entry.values.size === 0) this.#entries.delete(id)
  }
}

/** The same text for the same entity, whatever the order of its parts. */
export function quotaEntityKey(entity: QuotaEntity): string {
  return JSON.stringify([...entity].sort(([a], [b]) => (a < b ? -1 : 1)))
}
