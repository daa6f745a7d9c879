import { apis } from '../../handlers/index.ts'
import { Catalog } from '../../inspector/catalog.ts'
import type { Sources } from '../../reference/reference.ts'
import { parseClients } from '../../specs/parse-clients.ts'
import { parseReleases } from '../../specs/parse-releases.ts'
import { loadSpecs, readSpecFile } from '../spec-catalog.ts'

const CLIENTS = 'clients.table'
const RELEASES = 'releases.table'

/** Reads what the reference is made from: the specs, the tables beside them, and the list of what is served. */
export function loadSources(): Sources {
  const specs = loadSpecs()
  return {
    specs,
    catalog: new Catalog(specs),
    clients: parseClients(`protocol-specs/${CLIENTS}`, readSpecFile(CLIENTS)),
    releases: parseReleases(`protocol-specs/${RELEASES}`, readSpecFile(RELEASES)),
    served: apis,
  }
}
