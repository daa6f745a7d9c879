import type { TracedConnection, TracedFrame, TraceEvent } from '../../trace/trace-event.ts'

/** A request with what became of it. */
export interface Exchange {
  readonly kind: 'exchange'
  readonly connection: TracedConnection
  /** undefined: it came before the trace began, or was left out. */
  readonly request: TracedFrame | undefined
  /** undefined: there is none; `outcome` says why. */
  readonly response: TracedFrame | undefined
  readonly outcome: 'answered' | 'wants no answer' | 'answer not seen' | 'connection ended'
  /** Why the broker ended the connection; empty when the client did. */
  readonly reason: string
}

export type TraceItem =
  | Exchange
  | { readonly kind: 'dropped'; readonly count: number }
  | {
      readonly kind: 'closed'
      readonly connection: TracedConnection
      readonly timeMs: number
      readonly reason: string
    }

/** Puts requests and responses together. A connection has one request in flight at most. */
export class Exchanges {
  readonly #connections = new Map<number, TracedConnection>()
  readonly #inFlight = new Map<number, TracedFrame>()

  /** What `event` completes, in order. */
  take(event: TraceEvent): TraceItem[] {
    switch (event.kind) {
      case 'hello':
        return []
      case 'connection':
        this.#connections.set(event.connection.id, event.connection)
        return []
      case 'dropped':
        return [event]
      case 'request': {
        const missed = this.#complete(event.connectionId, undefined, 'answer not seen')
        this.#inFlight.set(event.connectionId, event)
        return missed
      }
      case 'response':
        return event.frameBytes < 0
          ? this.#complete(event.connectionId, undefined, 'wants no answer')
          : this.#complete(event.connectionId, event, 'answered')
      case 'closed': {
        const { connectionId, timeMs, reason } = event
        const connection = this.#connections.get(connectionId)
        const pending = this.#complete(connectionId, undefined, 'connection ended', reason)
        this.#connections.delete(connectionId)
        return connection ? [...pending, { kind: 'closed', connection, timeMs, reason }] : pending
      }
    }
  }

  #complete(
    connectionId: number,
    response: TracedFrame | undefined,
    outcome: Exchange['outcome'],
    reason = '',
  ): TraceItem[] {
    const connection = this.#connections.get(connectionId)
    const request = this.#inFlight.get(connectionId)
    this.#inFlight.delete(connectionId)
    if (!connection || (!request && !response)) return []
    return [{ kind: 'exchange', connection, request, response, outcome, reason }]
  }
}
