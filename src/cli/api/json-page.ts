import { nodeToJson } from '../../inspector/render-json.ts'
import { exampleFrame, exampleMessage } from '../../reference/example-frame.ts'
import { descriptionOf, type Sources, type Subject } from '../../reference/reference.ts'
import {
  type ApiSpec,
  type FieldSpec,
  formatVersions,
  type MessageSpec,
  type StructSpec,
} from '../../specs/spec.ts'

/** What is known of a subject, for programs. Messages have all of their fields, each with its versions. */
export async function jsonOf(sources: Sources, subject: Subject, version: number): Promise<unknown> {
  const { specs, catalog, clients } = sources
  switch (subject.kind) {
    case 'api': {
      const { api } = subject
      const { name: _, key: __, ...sent } = clients.find(({ key }) => key === api.key) ?? { name: '', key: 0 }
      const examples = await Promise.all(
        (['request', 'response'] as const).map(async (role) => [
          role,
          exampleOf(await exampleFrame(catalog, api, role, version)),
        ]),
      )
      return {
        ...apiSummary(sources, api),
        ...apiDetails(sources, api),
        ...sent,
        example: { version, ...Object.fromEntries(examples) },
      }
    }
    case 'message': {
      const example = await exampleMessage(catalog, subject.message, version)
      const more = example === undefined ? {} : { example: { version, ...exampleOf(example) } }
      return { family: subject.file.moduleName, ...messageOf(subject.message), ...more }
    }
    case 'family':
      return {
        ...subject.file,
        path: undefined,
        api: undefined,
        messages: subject.file.messages.map(messageOf),
      }
    case 'errors':
      return specs.errorCodes
    case 'error': {
      const error = specs.errorCodes.find(({ code }) => code === subject.code)
      const answeredBy = catalog.apis.flatMap(({ key, name, errors }) =>
        errors.flatMap((each) => (each.name === error?.name ? [{ key, name, when: each.text }] : [])),
      )
      return { ...error, answeredBy }
    }
  }
}

/** A line of the table of all APIs. */
export function apiSummary(sources: Sources, api: ApiSpec) {
  const { key, name, request } = api
  const here = sources.served.find((each) => each.key === key)
  return {
    key,
    name,
    versions: formatVersions(request.versions),
    stableTo: request.stableTo,
    flexibleFrom: request.flexibleFrom ?? null,
    served: here === undefined ? null : formatVersions({ from: here.minVersion, to: here.maxVersion }),
    description: descriptionOf(sources, api),
  }
}

function apiDetails({ specs }: Sources, { request, response, errors }: ApiSpec) {
  const { changes } = request
  return {
    changes,
    request: messageOf(request),
    response: messageOf(response),
    errors: errors.map(({ name, text }) => {
      const { code, retriable, remedy } = specs.errorCodes.find((each) => each.name === name) ?? {}
      return { code, name, retriable, when: text, remedy }
    }),
  }
}

function messageOf({ name, role, key, versions, flexibleFrom, description, changes, root }: MessageSpec) {
  return {
    name,
    role,
    type: role === 'message' ? key : undefined,
    versions: formatVersions(versions),
    flexibleFrom: flexibleFrom ?? null,
    description,
    changes,
    fields: fieldsOf(root, [root]),
  }
}

function fieldsOf({ fields }: StructSpec, above: readonly StructSpec[]): unknown[] {
  return fields.map((field) => fieldOf(field, above))
}

function fieldOf(field: FieldSpec, above: readonly StructSpec[]): unknown {
  const {
    name,
    type,
    isArray,
    versions,
    nullable,
    tag,
    defaultValue,
    ignorable,
    entityType,
    description,
    struct,
  } = field
  return {
    name,
    type: isArray ? `[]${type}` : type,
    versions: formatVersions(versions),
    nullable: nullable === undefined ? undefined : formatVersions(nullable),
    tag,
    default: typeof defaultValue === 'bigint' ? String(defaultValue) : defaultValue,
    ignorable,
    entityType,
    description,
    fields: struct === undefined || above.includes(struct) ? undefined : fieldsOf(struct, [...above, struct]),
  }
}

function exampleOf({ bytes, root }: Awaited<ReturnType<typeof exampleFrame>>) {
  return { hex: bytes.toString('hex'), tree: nodeToJson(root) }
}
