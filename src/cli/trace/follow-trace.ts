import type { LocalSocket } from '../../platform/local-sockets.ts'
import { type Hello, TRACE_FORMAT, type TraceEvent, TraceEventReader } from '../../trace/trace-event.ts'
import { CommandError } from '../host.ts'
import { Exchanges, type TraceItem } from './exchanges.ts'

/** Where a trace comes from. */
export type TraceSource = Pick<LocalSocket, 'onBytes' | 'onClose' | 'pause' | 'resume' | 'destroy'>

/** Events that wait to be told; beyond that the source is held, and the broker begins to leave frames out. */
const MAX_WAITING_EVENTS = 1000

/**
 * Hands all that comes from a source to `tell`, one after the other. Resolves when the source has ended, or, after `until`, when what had arrived
 * is told. `attached` is called when the broker says hello. Rejects with `CommandError` when the source speaks another language.
 */
export async function followTrace(
  source: TraceSource,
  until: Promise<void>,
  tell: (item: TraceItem) => Promise<void>,
  attached: (hello: Hello) => void = () => {},
): Promise<void> {
  const reader = new TraceEventReader()
  const exchanges = new Exchanges()
  const waiting: TraceEvent[] = []
  let isOver = false
  let failure: unknown
  let wake = () => {}
  const end = (error?: unknown) => {
    isOver = true
    failure ??= error
    wake()
  }
  source.onBytes((bytes) => {
    if (isOver) return
    try {
      for (const event of reader.read(bytes)) waiting.push(event)
    } catch (error) {
      end(
        new CommandError(`the broker does not speak the language of this trace: ${(error as Error).message}`),
      )
    }
    if (waiting.length > MAX_WAITING_EVENTS) source.pause()
    wake()
  })
  source.onClose(() => end())
  until.then(() => end())
  try {
    for (;;) {
      const event = waiting.shift()
      if (event) {
        if (event.kind === 'hello') {
          checkFormat(event.hello)
          attached(event.hello)
        }
        for (const item of exchanges.take(event)) await tell(item)
        if (waiting.length === 0) source.resume()
      } else if (isOver) break
      else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  } finally {
    source.destroy()
  }
  if (failure !== undefined) throw failure
}

function checkFormat({ format }: Hello): void {
  if (format === TRACE_FORMAT) return
  throw new CommandError('the broker is of another release of Odradek: trace it with its own')
}
