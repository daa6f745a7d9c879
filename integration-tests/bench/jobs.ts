import type { Usage } from './process-usage.ts'
import type { Workload } from './workload.ts'

/** What the load generator, a process of its own, is asked to do. */
export type Job =
  | {
      readonly kind: 'produce'
      readonly broker: Target
      readonly topic: string
      readonly workload: Workload
      readonly requestsInFlight: number
    }
  | {
      readonly kind: 'fetch'
      readonly broker: Target
      readonly topic: string
      readonly workload: Workload
      readonly readers: number
    }
  | {
      readonly kind: 'latency'
      readonly broker: Target
      readonly topic: string
      readonly recordsPerSecond: number
      readonly seconds: number
    }
  | { readonly kind: 'group'; readonly broker: Target; readonly topic: string; readonly repetitions: number }
  | { readonly kind: 'topic'; readonly broker: Target; readonly prefix: string; readonly repetitions: number }
  | { readonly kind: 'embedded'; readonly repetitions: number }

export type JobKind = Job['kind']
export type JobOf<Kind extends JobKind> = Extract<Job, { kind: Kind }>

export interface Target {
  readonly host: string
  readonly port: number
  readonly pid: number | undefined
}

/** What comes back, by kind of job. All checks have passed, otherwise the generator fails. */
export interface JobResults {
  produce: Throughput
  fetch: Throughput
  latency: Latency
  group: { readonly firstRecordMs: readonly number[] }
  topic: { readonly answeredMs: readonly number[]; readonly usableMs: readonly number[] }
  embedded: { readonly firstMs: number; readonly laterMs: readonly number[] }
}

export interface Throughput extends Usage {
  /** Bytes of batches as they went over the wire. */
  readonly wireBytes: number
  /** Bytes of the records' values. */
  readonly valueBytes: number
}

export interface Latency extends Usage {
  readonly acknowledgedMs: { readonly p50: number; readonly p99: number }
  readonly endToEndMs: { readonly p50: number; readonly p99: number }
}
