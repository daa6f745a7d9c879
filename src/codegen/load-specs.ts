import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSpecs, type Specs } from '../specs/specs.ts'

/** Reads all spec files of a folder. Throws `SpecError` at the first mistake. */
export function loadSpecs(folder: string): Specs {
  const names = readdirSync(folder).filter((name) => name.endsWith('.spec'))
  return parseSpecs(new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')])))
}
