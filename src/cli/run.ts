import { CommandError, EXIT_FAILURE, EXIT_OK, type Host } from './host.ts'

/** First arguments that need yargs: the start of a broker does without it, because loading it takes longer than everything else. */
const WITH_YARGS: ReadonlySet<string> = new Set([
  'topic',
  'group',
  'trace',
  'dump',
  'check',
  'api',
  'explain',
  'help',
  '--help',
  '-h',
])

/** Runs the command line. Resolves with the exit code; errors have been told in one line on standard error by then. */
export async function run(host: Host): Promise<number> {
  const [first = ''] = host.arguments
  try {
    if (host.arguments.includes('--version') && !WITH_YARGS.has(first)) {
      const { version } = await import('./version.ts')
      host.out(`${version()}\n`)
      return EXIT_OK
    }
    if (!WITH_YARGS.has(first) && !host.arguments.includes('--help')) {
      const { start } = await import('./start.ts')
      return await start(host)
    }
    host.onOutputClosed(() => host.exit(EXIT_OK))
    const { runCommand } = await import('./commands.ts')
    return await runCommand(host)
  } catch (error) {
    host.error(`odradek: ${oneLineOf(error)}\n`)
    return error instanceof CommandError ? error.exitCode : EXIT_FAILURE
  }
}

/** What went wrong, and where when nobody expected it. */
function oneLineOf(error: unknown): string {
  if (error instanceof CommandError) return error.message
  if (!(error instanceof Error)) return String(error)
  const place = /\n\s*at (.*)/.exec(error.stack ?? '')?.[1]
  return `${error.name}: ${error.message.replaceAll('\n', ' ')}${place ? ` at ${place}` : ''}`
}
