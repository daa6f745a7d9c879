import { isUtf8 } from 'node:buffer'
import { RecordSender } from '../client/record-sender.ts'
import { clientOptions, withSession } from '../client-session.ts'
import { command } from '../command.ts'
import { CommandError, EXIT_OK, type Host } from '../host.ts'
import { readLines } from '../lines.ts'
import { parseRecordLine } from '../record-line.ts'

export const topicProduce = command({
  syntax: 'produce <topic>',
  describe: 'Write records, one line of JSON each, from standard input',
  positionals: { topic: { type: 'string', demandOption: true, describe: 'Where to' } },
  options: clientOptions,
  examples: [
    [`echo '{"key":"a","value":{"total":42}}' | $0 topic produce orders`, ''],
    ['$0 topic consume orders | $0 topic produce copy', ''],
  ],
  epilogue: `A line is {"key":..,"value":..,"headers":{..},"partition":..,"timestamp":..}; all may be left out. A string is taken as text, \
{"$base64":"AP8="} as bytes, null as none (a value of null is a tombstone), anything else as its JSON. Without a partition the key decides, \
as with Kafka's own producer; without a key they take turns. Records are acknowledged by all replicas before the count is printed. A line that \
cannot be read ends it: what came before is written, that line and what follows is not.`,
  run: (host, args) =>
    withSession(host, args, async ({ cluster, print }) => {
      const sender = new RecordSender(cluster, await cluster.topic(args.topic, { create: true }))
      await sendLines(host, sender)
      print([{ topic: args.topic, records: sender.sent }], () => `${sender.sent} records to ${args.topic}\n`)
      return EXIT_OK
    }),
})

async function sendLines(host: Host, sender: RecordSender): Promise<void> {
  for await (const { firstNumber, lines } of readLines(host.stdin)) {
    for (const [index, line] of lines.entries()) {
      await atLine(firstNumber + index, sender, () => addLine(line, sender))
    }
    // What has come so far is sent at once: more may be long in coming.
    await atLine(firstNumber + lines.length - 1, sender, () => sender.flush())
  }
}

async function addLine(line: Buffer, sender: RecordSender): Promise<void> {
  if (!isUtf8(line)) throw new LineError('no UTF-8')
  const text = line.toString('utf8').trim()
  if (text === '') return
  const record = parsed(text)
  await sender.add({ ...record, timestamp: record.timestamp ?? BigInt(Date.now()) })
}

/** The line itself is wrong, in contrast to its way to the broker. */
class LineError extends CommandError {}

function parsed(text: string) {
  try {
    return parseRecordLine(text)
  } catch (error) {
    throw error instanceof CommandError ? new LineError(error.message) : error
  }
}

/** Tells how far it came when it cannot go on. */
async function atLine(number: number, sender: RecordSender, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    if (!(error instanceof LineError)) {
      throw new CommandError(
        `${error.message}; ${sender.sent} records up to line ${number} are written`,
        error.exitCode,
      )
    }
    const wrong = `line ${number}: ${error.message}`
    try {
      await sender.flush()
    } catch (flushError) {
      throw new CommandError(`${wrong}; ${(flushError as Error).message}; ${sender.sent} records are written`)
    }
    throw new CommandError(
      `${wrong}; the ${sender.sent} records before it are written, nothing from here on is`,
    )
  }
}
