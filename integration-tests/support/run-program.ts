import { spawn, spawnSync } from 'node:child_process'

export interface ProgramResult {
  /** Exit code; -1 when a signal ended it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface ProgramOptions {
  /** Written to its standard input, which then ends. */
  readonly stdin?: string
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** It is killed after this; default 60,000. */
  readonly timeoutMs?: number
}

/** Runs a program to its end, without stopping this process meanwhile: the broker may live in it. */
export function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const { stdin = '', cwd, env = {}, timeoutMs = 180_000 } = options
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }))
    // A program that ends early leaves its input unread; its exit code tells more than the broken pipe.
    child.stdin.on('error', () => {})
    child.stdin.end(stdin)
  })
}

/** Runs a program that has to succeed; returns its standard output. The error shows everything that it printed. */
export async function outputOf(
  command: string,
  args: readonly string[],
  options?: ProgramOptions,
): Promise<string> {
  const { code, stdout, stderr } = await runProgram(command, args, options)
  if (code !== 0) throw new Error(`${[command, ...args].join(' ')}\nended with ${code}\n${stdout}\n${stderr}`)
  return stdout
}

/** Whether a short program ends with 0; false when there is no such program. For looking around before the tests. */
export function succeeds(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): boolean {
  const { status } = spawnSync(command, args, {
    ...options,
    env: { ...process.env, ...options.env },
    stdio: 'ignore',
  })
  return status === 0
}
