import { brokerProperty } from '../config/broker-properties.ts'
import type { Property } from '../config/property.ts'
import { topicProperty } from '../config/topic-config.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import {
  type AlterableConfig,
  IncrementalAlterConfigs,
} from '../protocol/generated/incremental-alter-configs.ts'
import { alterResources, type ConfigTarget, requireValue } from './configs/alter.ts'
import { invalidConfig } from './configs/resources.ts'
import { handler } from './handler.ts'

const SET = 0
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3

/** IncrementalAlterConfigs (44, KIP-339): changes the settings that it names and leaves the others. */
export const incrementalAlterConfigs = handler(
  IncrementalAlterConfigs,
  async ({ resources, validateOnly }, { broker }) => ({
    throttleTimeMs: 0,
    responses: await alterResources(
      resources,
      validateOnly,
      broker,
      ({ configs }, target) => new Map(configs.map((config) => [config.name, newValue(config, target)])),
    ),
  }),
)

/** What a setting becomes; null: it goes. */
function newValue(config: AlterableConfig, target: ConfigTarget): string | null {
  const { name, configOperation } = config
  switch (configOperation) {
    case SET:
      return requireValue(config)
    case DELETE:
      return null
    case APPEND:
    case SUBTRACT: {
      const given = entriesOf(requireValue(config))
      const current = currentEntries(name, target)
      const changed =
        configOperation === APPEND
          ? new Set([...current, ...given])
          : current.filter((entry) => !given.includes(entry))
      return [...changed].join(',')
    }
    default:
      throw new ApiError(ErrorCode.INVALID_REQUEST, `There is no operation ${configOperation} on settings`)
  }
}

/** Entries of a list as it is set, or of Kafka's default. Throws INVALID_CONFIG when it is not a list. */
function currentEntries(name: string, { type, current }: ConfigTarget): string[] {
  const property = listProperty(name, type)
  if (property?.type !== 'list') {
    throw invalidConfig(`${name} is not a list: nothing can be appended to it or subtracted from it`)
  }
  return entriesOf(current.get(name) ?? property.fallback ?? '')
}

function listProperty(name: string, type: ConfigTarget['type']): Property | undefined {
  if (type === 'topic') return topicProperty(name)
  // Kafka treats no setting of groups and of clients' metrics as a list here.
  return type === 'broker' ? brokerProperty(name) : undefined
}

/** Spaces around commas count here, unlike where the value is read. */
const entriesOf = (text: string) => text.split(',').filter((entry) => entry !== '')
