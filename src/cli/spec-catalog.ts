import { readdirSync, readFileSync } from 'node:fs'
import { Catalog } from '../inspector/catalog.ts'
import { parseSpecs, type Specs } from '../specs/specs.ts'

/** In the package, seen from here and from where the build puts this. */
const folder = new URL('../../protocol-specs/', import.meta.url)

/** All specs of this package. */
export function loadSpecs(): Specs {
  const names = readdirSync(folder).filter((name) => name.endsWith('.spec'))
  return parseSpecs(new Map(names.map((name) => [name, readSpecFile(name)])))
}

/** The same, to be looked up. */
export function loadCatalog(): Catalog {
  return new Catalog(loadSpecs())
}

/** Text of one file beside the specs. */
export function readSpecFile(name: string): string {
  return readFileSync(new URL(name, folder), 'utf8')
}
