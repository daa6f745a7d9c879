import { command } from '../command.ts'

/** Kinds of `--as`. */
const kinds = ['frames', 'records', 'index', 'timeindex', 'txnindex', 'snapshot'] as const

export const explain = command({
  syntax: 'explain [input..]',
  describe: 'Tell what each byte of requests, responses, record batches or files of a broker is',
  positionals: {
    input: {
      type: 'string',
      array: true,
      describe:
        'Hex, base64, or a file of bytes, of a dump, or of a data directory; - or nothing reads standard input',
    },
  },
  options: {
    api: {
      type: 'string',
      requiresArg: true,
      describe: 'The API by name or key, of responses or to overrule a request',
    },
    version: { type: 'number', requiresArg: true, describe: 'Its version' },
    request: { type: 'boolean', describe: 'They are requests' },
    response: { type: 'boolean', describe: 'They are responses' },
    bare: { type: 'boolean', describe: 'The frame does not begin with its size' },
    as: {
      choices: kinds,
      requiresArg: true,
      describe: 'What the bytes are, if not as it seems',
    },
    topic: {
      type: 'string',
      requiresArg: true,
      describe: 'Topic of the records: those of internal topics are decoded',
    },
    skip: { type: 'number', default: 0, requiresArg: true, describe: 'Begin at this byte of a file' },
    limit: {
      type: 'number',
      default: 100,
      requiresArg: true,
      describe: 'Frames, batches, records and elements of arrays to show; the rest is counted',
    },
    verbose: { alias: 'v', type: 'boolean', describe: 'With the encoding and the meaning of each field' },
    color: { type: 'boolean', describe: 'Colours; by default on a terminal unless NO_COLOR is set' },
    json: { type: 'boolean', describe: 'As one JSON object' },
    html: {
      type: 'string',
      requiresArg: true,
      describe: 'Write a page to this file that links bytes and fields',
    },
  },
  examples: [
    ['$0 explain 0000001d00120003000000070003636c6900086f64726164656b06302e312e3000', 'A request'],
    ['pbpaste | $0 explain -v', 'What was copied, with the meaning of each field'],
    ['$0 explain --api Metadata --version 12 answer.bin', 'A response, which does not say what it is'],
    ['$0 explain data/orders-0/00000000000000000000.log --html log.html', 'A segment as a page'],
  ],
  epilogue:
    'Takes hex with blanks, colons, 0x or \\x, dumps of xxd, hexdump and tcpdump -x, lists of numbers, base64, the bytes themselves, or a pcap file. Where the bytes are ' +
    'wrong, a caret stands below the first wrong one, and one sentence says what is there, what was expected and what usually causes it.\n' +
    'Exit codes: 0 the bytes are right, 1 they are wrong (and explained) or cannot be read, 2 wrong usage, 3 no such file.',
  async run(host, args) {
    // The inspector and its specs are loaded by who needs them.
    const { runExplain } = await import('./run-explain.ts')
    return runExplain(host, args)
  },
})
