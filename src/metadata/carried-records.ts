import {
  AccessControlEntryRecord,
  DelegationTokenRecord,
  RegisterControllerRecord,
  RemoveAccessControlEntryRecord,
  RemoveDelegationTokenRecord,
} from '../protocol/generated/metadata-records.ts'
import type { MetadataRecord } from './metadata-record.ts'

/**
 * Records that nothing here goes by yet, such as rules of access that Apache Kafka wrote. A snapshot has to hand them on: it stands for the
 * log that is deleted, and they would be gone with it.
 */
export class CarriedRecords {
  /** The one in force of each controller, rule and token. */
  readonly #records = new Map<string, MetadataRecord>()

  /** Those that are in force, in the order of a snapshot: controllers first. */
  all(): MetadataRecord[] {
    const records = [...this.#records.values()]
    return order.flatMap((key) => records.filter(({ codec }) => codec.key === key))
  }

  /** Of the controllers that have registered. */
  controllerIds(): number[] {
    return [...this.#records.values()].flatMap(({ codec, message }) =>
      codec.key === RegisterControllerRecord.key ? [(message as RegisterControllerRecord).controllerId] : [],
    )
  }

  replay(record: MetadataRecord): void {
    const { codec, message } = record
    switch (codec.key) {
      case RegisterControllerRecord.key:
        this.#records.set(`controller ${(message as RegisterControllerRecord).controllerId}`, record)
        return
      case AccessControlEntryRecord.key:
        this.#records.set(`rule ${(message as AccessControlEntryRecord).id}`, record)
        return
      case RemoveAccessControlEntryRecord.key:
        this.#records.delete(`rule ${(message as RemoveAccessControlEntryRecord).id}`)
        return
      case DelegationTokenRecord.key:
        this.#records.set(`token ${(message as DelegationTokenRecord).tokenId}`, record)
        return
      case RemoveDelegationTokenRecord.key:
        this.#records.delete(`token ${(message as RemoveDelegationTokenRecord).tokenId}`)
        return
    }
  }
}

const order: readonly number[] = [
  RegisterControllerRecord.key,
  AccessControlEntryRecord.key,
  DelegationTokenRecord.key,
]
