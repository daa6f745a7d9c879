import { nodeLocalSockets } from '../../platform/node-local-sockets.ts'
import { command } from '../command.ts'
import { EXIT_INTERRUPTED, EXIT_OK } from '../host.ts'
import { attach } from './find-broker.ts'
import { followTrace } from './follow-trace.ts'
import { traceFilter } from './trace-filter.ts'
import { TraceOutput } from './trace-output.ts'

/** `odradek trace`: prints what clients and a running broker say to each other. */
export const trace = command({
  syntax: 'trace',
  describe: 'Show what clients and a running Odradek say to each other',
  positionals: {},
  options: {
    bootstrap: {
      alias: ['b', 'bootstrap-server'],
      type: 'string',
      describe: 'The broker, which runs on this machine and belongs to this user [default: the only one]',
      requiresArg: true,
    },
    verbose: {
      alias: 'v',
      type: 'count',
      describe: 'With -v all fields of each request and response, with -vv their bytes, too',
    },
    api: {
      type: 'array',
      string: true,
      describe: 'Only these APIs, by name or key: --api produce,fetch',
      requiresArg: true,
    },
    client: {
      type: 'string',
      describe: 'Only clients with this in their id, software or address',
      requiresArg: true,
    },
    topic: {
      type: 'array',
      string: true,
      describe: 'Only what names one of these topics',
      requiresArg: true,
    },
    errors: { type: 'boolean', describe: 'Only what has failed' },
    out: {
      type: 'string',
      describe: 'Write a line of JSON for each exchange to this file, too',
      requiresArg: true,
    },
    pcap: {
      type: 'string',
      describe: 'Write packets to this file, too, for Wireshark and tshark',
      requiresArg: true,
    },
  },
  examples: [
    ['odradek trace --api produce --errors', 'Watch what cannot be written'],
    ['odradek trace --pcap trace.pcap', 'Then: tshark -r trace.pcap -d tcp.port==9092,kafka'],
  ],
  epilogue:
    'A line tells: time, connection, client id (and software, as told in ApiVersions 3), API and version, topics, bytes with the sizes of frames, time to the answer, errors. ' +
    'Secrets are overwritten with stars in the broker. A broker never waits for a trace: what comes too fast is left out and counted.\n' +
    'Exit codes: 0 ended by Ctrl-C or with the broker, 1 a file cannot be written, 2 wrong usage, 3 no such broker.',
  async run(host, args) {
    const filter = traceFilter(args)
    const details =
      args.verbose > 0 ? (await import('./trace-details.ts')).traceDetails(host, args.verbose > 1) : undefined
    const socket = await attach(nodeLocalSockets(), args.bootstrap)
    const output = new TraceOutput({
      host,
      filter,
      details,
      withBytes: args.verbose > 1,
      out: args.out,
      pcap: args.pcap,
    })
    // The first Ctrl-C lets the reader of the output take what was seen; it may never do so.
    const stopped = new Promise<void>((resolve) =>
      host.onSignal((count) => (count === 1 ? resolve() : host.exit(EXIT_INTERRUPTED))),
    )
    try {
      await followTrace(
        socket,
        stopped,
        (item) => output.tell(item),
        ({ addresses }) => host.error(`Tracing ${addresses.join(', ')}; Ctrl-C ends it\n`),
      )
    } finally {
      output.close()
    }
    return EXIT_OK
  },
})
