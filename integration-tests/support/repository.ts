import { join } from 'node:path'

/** Folder of this repository. */
export const repositoryRoot = join(import.meta.dirname, '..', '..')

/** Where `integration-tests/clients/install.sh` puts what the suites of other languages need. */
export const clientsFolder = join(repositoryRoot, '.build', 'clients')
