import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseSpecs } from '../../specs/specs.ts'
import { Catalog } from '../catalog.ts'

const folder = new URL('../../../protocol-specs/', import.meta.url)
const names = readdirSync(fileURLToPath(folder)).filter((name) => name.endsWith('.spec'))

/** Of the specs of this repository. */
export const catalog = new Catalog(
  parseSpecs(new Map(names.map((name) => [name, readFileSync(new URL(name, folder), 'utf8')]))),
)
