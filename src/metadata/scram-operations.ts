import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import {
  RemoveUserScramCredentialRecord,
  UserScramCredentialRecord,
} from '../protocol/generated/metadata-records.ts'
import { scramKeys, scramMechanism } from '../protocol/scram.ts'
import type { MetadataImage } from './metadata-image.ts'
import { type MetadataRecord, metadataRecord } from './metadata-record.ts'
import { MetadataVersion } from './metadata-version.ts'
import type { ScramCredentials } from './scram-credentials.ts'

/** More would let a client make the broker hash for a long time. */
const MAX_ITERATIONS = 16384

export interface ScramDeletion {
  readonly name: string
  readonly mechanism: number
}

/** A credential to set; the password has been salted and hashed by the client. */
export interface ScramUpsertion extends ScramDeletion {
  readonly iterations: number
  readonly salt: Buffer
  readonly saltedPassword: Buffer
}

export interface ScramOutcome {
  readonly user: string
  readonly error: ApiError | undefined
}

/** Decides on changes of SCRAM users. Of a user that stands there twice nothing is changed; one that is refused does not hold others back. */
export function alterScramCredentials(
  { metadataVersion, scramCredentials }: Pick<MetadataImage, 'metadataVersion' | 'scramCredentials'>,
  deletions: readonly ScramDeletion[],
  upsertions: readonly ScramUpsertion[],
): { records: MetadataRecord[]; outcomes: ScramOutcome[] } {
  const decisions = new Map<string, MetadataRecord | ApiError>()
  const decide = (name: string, toRecord: () => MetadataRecord) => {
    const earlier = decisions.get(name)
    if (earlier instanceof ApiError) return
    if (metadataVersion < MetadataVersion.SCRAM) decisions.set(name, unsupported())
    else decisions.set(name, earlier ? twice() : attempt(toRecord))
  }
  for (const deletion of deletions) decide(deletion.name, () => removal(scramCredentials, deletion))
  for (const upsertion of upsertions) decide(upsertion.name, () => setting(upsertion))
  const records: MetadataRecord[] = []
  const outcomes = Array.from(decisions, ([user, decision]): ScramOutcome => {
    if (decision instanceof ApiError) return { user, error: decision }
    records.push(decision)
    return { user, error: undefined }
  })
  return { records, outcomes }
}

function attempt(toRecord: () => MetadataRecord): MetadataRecord | ApiError {
  try {
    return toRecord()
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
}

/** The log has no words for it before 3.5 (KIP-900). */
function unsupported(): ApiError {
  return new ApiError(ErrorCode.UNSUPPORTED_VERSION, 'The current metadata.version does not support SCRAM')
}

function twice(): ApiError {
  return new ApiError(
    ErrorCode.DUPLICATE_RESOURCE,
    'A user credential cannot be altered twice in the same request',
  )
}

function removal(credentials: ScramCredentials, { name, mechanism }: ScramDeletion): MetadataRecord {
  checkUser(name, mechanism)
  if (!credentials.get(name, mechanism)) {
    throw new ApiError(
      ErrorCode.RESOURCE_NOT_FOUND,
      'Attempt to delete a user credential that does not exist',
    )
  }
  return metadataRecord(RemoveUserScramCredentialRecord, { name, mechanism })
}

function setting({ name, mechanism, iterations, salt, saltedPassword }: ScramUpsertion): MetadataRecord {
  const { minIterations } = checkUser(name, mechanism)
  if (iterations < minIterations) throw unacceptable('Too few iterations')
  if (iterations > MAX_ITERATIONS) throw unacceptable('Too many iterations')
  // Java cannot make a key of no bytes: the code that Apache Kafka answers is that of the failure.
  if (saltedPassword.length === 0) throw new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR)
  const { storedKey, serverKey } = scramKeys(mechanism, saltedPassword)
  return metadataRecord(UserScramCredentialRecord, {
    name,
    mechanism,
    // What was decoded shares the memory of the request.
    salt: Buffer.from(salt),
    storedKey,
    serverKey,
    iterations,
  })
}

function checkUser(name: string, mechanism: number) {
  if (name === '') throw unacceptable('Username must not be empty')
  const known = scramMechanism(mechanism)
  if (!known) throw new ApiError(ErrorCode.UNSUPPORTED_SASL_MECHANISM, 'Unknown SCRAM mechanism')
  return known
}

function unacceptable(message: string): ApiError {
  return new ApiError(ErrorCode.UNACCEPTABLE_CREDENTIAL, message)
}
