import type { TracedFrame } from '../../trace/trace-event.ts'
import type { DescribedExchange } from './described-exchange.ts'
import type { TraceItem } from './exchanges.ts'

const SIZE_BYTES = 4
const MAX_TOPICS = 3
const MAX_ERRORS = 2

/** One exchange as a line, without its end: time, connection, client, API, topics, bytes, latency, errors. */
export function exchangeLine(described: DescribedExchange): string {
  const { exchange, head, apiName, software, topics, errors, problem } = described
  const { request, response, connection, outcome, reason } = exchange
  const client = [visible(head?.clientId ?? '-'), ...(software ? [`(${visible(software)})`] : [])].join(' ')
  const failures = [
    ...(errors.length > 0 ? [some(errors, MAX_ERRORS)] : []),
    ...(outcome === 'connection ended'
      ? [`connection ended${reason ? `: ${visible(reason)}` : ' by the client'}`]
      : []),
    ...(outcome === 'answer not seen' ? ['answer not seen'] : []),
    ...(problem ? [`(${problem})`] : []),
  ]
  return [
    timeText((request ?? response)!.timeMs),
    `#${connection.id}`,
    client,
    head ? `${apiName} v${head.apiVersion}` : apiName,
    ...(topics.length > 0 ? [some(topics.map(visible), MAX_TOPICS)] : []),
    bytesText(described),
    ...(request && response ? [latencyText(response.timeMs - request.timeMs)] : []),
    ...failures,
  ].join('  ')
}

/** What is no exchange; undefined for what needs no line. */
export function otherLine(item: Exclude<TraceItem, { kind: 'exchange' }>): string | undefined {
  if (item.kind === 'dropped')
    return `... ${item.count} frames left out: this trace is slower than the broker`
  if (item.reason === '') return undefined
  return `${timeText(item.timeMs)}  #${item.connection.id}  connection ended: ${visible(item.reason)}`
}

/** One exchange as an object for a line of JSON. With `withBytes` it has the frames, too. */
export function exchangeJson(described: DescribedExchange, withBytes: boolean): object {
  const { exchange, head, apiName, topics, errors, software, problem } = described
  const { request, response, connection, outcome, reason } = exchange
  return {
    time: new Date((request ?? response)!.timeMs).toISOString(),
    connection: connection.id,
    client: `${connection.clientAddress}:${connection.clientPort}`,
    listener: connection.listenerName,
    clientId: head?.clientId ?? null,
    software: software ?? null,
    api: head ? apiName : null,
    apiKey: head?.apiKey ?? null,
    version: head?.apiVersion ?? null,
    correlationId: head?.correlationId ?? null,
    topics,
    requestBytes: request ? wireBytes(request) : null,
    responseBytes: response ? wireBytes(response) : null,
    latencyMs: request && response ? Number((response.timeMs - request.timeMs).toFixed(3)) : null,
    errors,
    outcome,
    ...(reason ? { reason } : {}),
    ...(problem ? { problem } : {}),
    ...(withBytes
      ? { request: request?.bytes.toString('hex'), response: response?.bytes.toString('hex') }
      : {}),
  }
}

function bytesText({ exchange: { request, response, outcome } }: DescribedExchange): string {
  const asked = request ? wireBytes(request) : '?'
  if (outcome === 'answered') return `${asked} -> ${response ? wireBytes(response) : '?'} B`
  return `${asked} B${outcome === 'wants no answer' ? ', no answer wanted' : ''}`
}

/** A frame with its size, as it was on the wire. */
function wireBytes({ frameBytes }: TracedFrame): number {
  return SIZE_BYTES + frameBytes
}

function some(names: readonly string[], count: number): string {
  const rest = names.length - count
  return names.slice(0, count).join(',') + (rest > 0 ? `,+${rest}` : '')
}

function latencyText(milliseconds: number): string {
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`
}

/** Time of day here. */
function timeText(timeMs: number): string {
  const time = new Date(timeMs)
  const two = (value: number) => String(value).padStart(2, '0')
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')
  return `${clock}.${String(time.getMilliseconds()).padStart(3, '0')}`
}

/** What a client says must not move the cursor of a terminal. */
function visible(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '?')
}
