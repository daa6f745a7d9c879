import { FIXED_HEADER_BYTES, readRequestHeader } from '../handlers/request-header.ts'
import type { Api } from '../protocol/api.ts'

export interface RequestHead {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  /** undefined when the body cannot be read: the version is unknown, or the header is broken. */
  readonly bodyAt: number | undefined
}

/** What stands before a request, as far as it can be read without knowing the API; undefined when there is too little. */
export function readRequestHead(
  frame: Buffer,
  api: Api<unknown, unknown> | undefined,
): RequestHead | undefined {
  if (frame.length < FIXED_HEADER_BYTES) return undefined
  const apiVersion = frame.readInt16BE(2)
  const isKnown = api !== undefined && apiVersion >= api.minVersion && apiVersion <= api.maxVersion
  // The client id is at the same place in all versions but the first.
  const header = readRequestHeader(frame, isKnown ? api.requestHeaderVersion(apiVersion) : 1)
  return {
    apiKey: frame.readInt16BE(0),
    apiVersion,
    correlationId: frame.readInt32BE(4),
    clientId: header?.clientId ?? null,
    bodyAt: isKnown ? header?.bodyAt : undefined,
  }
}
