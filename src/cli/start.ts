import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Broker, type BrokerOptions } from '../broker.ts'
import type { Logger } from '../platform/logger.ts'
import { MemoryFiles } from '../platform/memory-files.ts'
import { nodeClock } from '../platform/node-clock.ts'
import { nodeFiles } from '../platform/node-files.ts'
import { nodeNetwork } from '../platform/node-network.ts'
import { nodeRandom } from '../platform/node-random.ts'
import { banner, readyLine } from './banner.ts'
import { EXIT_INTERRUPTED, EXIT_OK, type Host } from './host.ts'
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
    await runBroker(args, settings, logger, host)
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
    onRecoveryProgress: (report) => host.error(recoveryLine(report)),
  })
  await broker.start()
  try {
    createTopics(broker, args, logger)
    if (isDefaultData && data !== undefined) keepOutOfGit(data)
    const ready = { readyMs: host.upMs(), listeners: broker.listeners, data }
    const hasColour = !host.environment.NO_COLOR && host.environment.TERM !== 'dumb'
    host.out(host.isTerminal ? banner({ ...ready, version: version() }, hasColour) : readyLine(ready))
    await signalled
  } finally {
    await broker.stop()
  }
}

/** Topics of `--topics`; one that is there already stays as it is. */
function createTopics(broker: Broker, { topics }: StartArguments, logger: Logger): void {
  for (const { name, partitions } of topics) {
    const existing = broker.services.metadata.topic(name)
    if (!existing) {
      broker.createTopic(name, { partitions })
    } else if (partitions !== undefined && existing.partitions.length !== partitions) {
      const facts = { topic: name, partitions: existing.partitions.length, wanted: partitions }
      logger.warn(facts, 'The topic is there already, with another number of partitions; it stays as it is')
    }
  }
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
