import { parseErrorCodes, parseSpec } from './parse-spec.ts'
import { type ErrorCodeSpec, SpecError, type SpecFile } from './spec.ts'

/** Everything that `protocol-specs` says. */
export interface Specs {
  readonly files: readonly SpecFile[]
  readonly errorCodes: readonly ErrorCodeSpec[]
  readonly errorCodesPath: string
}

const ERROR_CODES = 'error-codes.spec'

/** Parses all spec files of a folder, given by name: APIs by key, then families by name. Throws `SpecError` at the first mistake. */
export function parseSpecs(sources: ReadonlyMap<string, string>): Specs {
  const errorCodesPath = `protocol-specs/${ERROR_CODES}`
  const errorCodes = parseErrorCodes(errorCodesPath, sources.get(ERROR_CODES) ?? '')
  const errorNames = new Set(errorCodes.map((code) => code.name))
  const files = [...sources.keys()]
    .filter((name) => name !== ERROR_CODES)
    .sort()
    .map((name) => parseSpec(`protocol-specs/${name}`, sources.get(name)!, errorNames))
  checkNames(files)
  return { files, errorCodes, errorCodesPath }
}

/** File names carry the API's key and name, and no message is described twice. */
function checkNames(files: readonly SpecFile[]): void {
  const seen = new Map<string, string>()
  for (const file of files) {
    const { api } = file
    const fileName = file.path.slice(file.path.lastIndexOf('/') + 1)
    if (api !== undefined) {
      const expected = `${`${api.key}`.padStart(2, '0')}-${kebab(api.name)}.spec`
      if (fileName !== expected)
        throw new SpecError(file.path, 1, `the file of ${api.name} with key ${api.key} is ${expected}`)
    }
    for (const message of file.messages) {
      const other = seen.get(message.name)
      if (other !== undefined)
        throw new SpecError(file.path, message.line, `${message.name} is described in ${other} already`)
      seen.set(message.name, file.path)
    }
  }
}

function kebab(name: string): string {
  return name.replace(/(?<=[a-z0-9])[A-Z]/g, '-$&').toLowerCase()
}
