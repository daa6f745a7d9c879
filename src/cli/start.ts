import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrokerOptions } from '../broker/options.ts'
import { Broker } from '../broker.ts'
import type { Logger } from '../platform/logger.ts'
import { MemoryFiles } from '../platform/memory-files.ts'
import { nodeClock } from '../platform/node-clock.ts'
import { nodeFiles } from '../platform/node-files.ts'
import { nodeNetwork } from '../platform/node-network.ts'
import { nodeRandom } from '../platform/node-random.ts'
import { loadRelease, type Release, UnknownReleaseError } from '../protocol/release.ts'
import type { TraceHub } from '../trace/trace-hub.ts'
import { banner, readyLine } from './banner.ts'
import { CommandError, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, type Host } from './host.ts'
import { pinoLogger } from './pino-logger.ts'
import { type StartConfig, startConfig } from './start-config.ts'
import { explainStartError } from './start-errors.ts'
import { parseStartArguments, type StartArguments } from './start-options.ts'
import { version } from './version.ts'

/** Runs a broker until SIGTERM or Ctrl-C. Resolves with the exit code; throws `CommandError` when it cannot start. */
export async function start(host: Host): Promise<number> {
  const args = parseStartArguments(host.arguments)
  let data = args.data
  try {
    const settings = startConfig(args, host)
    data = settings.data
    const format = args.logFormat ?? (host.isErrorTerminal ? 'pretty' : 'json')
    const logger = pinoLogger(args.logLevel, format, (line) => host.error(line))
    const emulate = args.emulate === undefined ? undefined : await releaseOf(args.emulate)
    await runBroker(args, settings, logger, host, emulate)
    return EXIT_OK
  } catch (error) {
    throw explainStartError(error, data)
  }
}

async function runBroker(
  args: StartArguments,
  settings: StartConfig,
  logger: Logger,
  host: Host,
  emulate: Release | undefined,
): Promise<void> {
  const { config, clusterId, data, isDefaultData } = settings
  const signalled = new Promise<void>((resolve) => {
    host.onSignal((count) => (count === 1 ? resolve() : host.exit(EXIT_INTERRUPTED)))
  })
  for (const warning of config.warnings) logger.warn({}, warning)
  const broker = new Broker({
    config,
    platform: {
      clock: nodeClock(),
      random: nodeRandom(),
      files: data === undefined ? new MemoryFiles() : nodeFiles(),
      network: nodeNetwork(),
    },
    logger,
    clusterId,
    emulate,
    onRecoveryProgress: (report) => host.error(recoveryLine(report)),
  })
  await broker.start()
  let endTrace: (() => Promise<void>) | undefined
  let traceable: Promise<{ close(): Promise<void> } | undefined> | undefined
  try {
    await createTopics(broker, args, logger)
    if (isDefaultData && data !== undefined) keepOutOfGit(data)
    let hub: TraceHub | undefined
    if (args.isTraced) {
      hub = new (await import('../trace/trace-hub.ts')).TraceHub(broker, nodeClock())
      endTrace = (await import('./trace/in-process-trace.ts')).traceInProcess(hub, host)
    }
    const ready = { readyMs: host.upMs(), listeners: broker.listeners, data }
    const hasColour = !host.environment.NO_COLOR && host.environment.TERM !== 'dumb'
    host.out(host.isTerminal ? banner({ ...ready, version: version() }, hasColour) : readyLine(ready))
    traceable = letTrace(broker, hub, logger)
    await signalled
  } finally {
    await broker.stop()
    await endTrace?.()
    await (await traceable)?.close()
  }
}

/** Lets `odradek trace` attach. Comes after all else: nobody waits for it. */
async function letTrace(
  broker: Broker,
  hub: TraceHub | undefined,
  logger: Logger,
): Promise<{ close(): Promise<void> } | undefined> {
  try {
    const [{ TraceListener }, { nodeLocalSockets }] = await Promise.all([
      import('../trace/trace-listener.ts'),
      import('../platform/node-local-sockets.ts'),
    ])
    return await TraceListener.open({ broker, clock: nodeClock(), logger, sockets: nodeLocalSockets(), hub })
  } catch (error) {
    logger.debug({ err: error }, 'odradek trace cannot attach')
    return undefined
  }
}

async function releaseOf(name: string): Promise<Release> {
  try {
    return await loadRelease(name)
  } catch (error) {
    if (!(error instanceof UnknownReleaseError)) throw error
    throw new CommandError(`--emulate: ${error.message}`, EXIT_USAGE)
  }
}

/** Topics of `--topics`; one that is there already stays as it is. */
async function createTopics(broker: Broker, { topics }: StartArguments, logger: Logger): Promise<void> {
  const created: Promise<void>[] = []
  for (const { name, partitions } of topics) {
    const existing = broker.services.metadata.topic(name)
    if (!existing) {
      created.push(broker.createTopic(name, { partitions }))
    } else if (partitions !== undefined && existing.partitions.length !== partitions) {
      const facts = { topic: name, partitions: existing.partitions.length, wanted: partitions }
      logger.warn(facts, 'The topic is there already, with another number of partitions; it stays as it is')
    }
  }
  await Promise.all(created)
}

/** The folder that nobody asked for shall not end up in anybody's repository. */
function keepOutOfGit(folder: string): void {
  try {
    writeFileSync(join(folder, '.gitignore'), '*\n', { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

type RecoveryReport = Parameters<NonNullable<BrokerOptions['onRecoveryProgress']>>[0]

function recoveryLine({ recoveredPartitions, partitions, recoveredBytes }: RecoveryReport): string {
  const megabytes = Math.round(recoveredBytes / 1e6)
  return `Recovering after a crash: ${recoveredPartitions} of ${partitions} partitions, ${megabytes} MB\n`
}
