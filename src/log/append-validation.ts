import type { TopicConfig } from '../config/topic-config.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { isCrcValid, stampBatch } from '../protocol/record-batch.ts'
export interface RecordError { readonly batchIndex: number; readonly batchIndexErrorMessage: string | null }
export class InvalidRecordsError extends ApiError {
  readonly recordErrors: readonly RecordError[]
  constructor(message: string, recordErrors: readonly RecordError[]) { super(ErrorCode.INVALID_RECORD, message); this.recordErrors = recordErrors }
}
export function validateBatches(records: Buffer, o: { config: TopicConfig; baseOffset: bigint; leaderEpoch: number; nowMs: number; produceVersion: number | undefined }): { records: Buffer; logAppendTimeMs: bigint } {
  if (!isCrcValid(records, 0)) throw new ApiError(ErrorCode.CORRUPT_MESSAGE)
  stampBatch(records, 0, o.baseOffset, o.leaderEpoch)
  return { records, logAppendTimeMs: -1n }
}
