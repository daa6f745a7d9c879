import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { checkDirectory } from '../../src/check/check-directory.ts'
import { nodeFiles } from '../../src/platform/node-files.ts'

/** Of the names of all files in a folder, and of what is in them. The lock is left out: whoever looks into a directory has to take it. */
export function hashOfDirectory(folder: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (name === '.lock') continue
    hash.update(`${name}\n`)
    const path = join(folder, name)
    if (statSync(path).isFile()) hash.update(readFileSync(path))
  }
  return hash.digest('hex')
}

/** What `odradek check` calls a problem; `user` is who has the directory open. */
export async function problemsIn(folder: string, user?: string): Promise<string[]> {
  const problems: string[] = []
  for await (const { kind, path, message } of checkDirectory(nodeFiles(), folder, { user })) {
    if (kind === 'problem') problems.push(`${path}: ${message}`)
  }
  return problems
}
