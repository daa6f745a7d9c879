import type { BrokerConfig } from '../../config/broker-config.ts'
import { topicEntries } from '../../config/config-entries.ts'
import type { CreatableTopicConfigs } from '../../protocol/generated/create-topics.ts'

/** Settings of new topics as CreateTopics tells them. Most topics of a request have none of their own: those share one list. */
export class TopicConfigRows {
  readonly #broker: BrokerConfig
  #inherited: readonly CreatableTopicConfigs[] | undefined

  constructor(broker: BrokerConfig) {
    this.#broker = broker
  }

  of(overrides: ReadonlyMap<string, string>): readonly CreatableTopicConfigs[] {
    if (overrides.size > 0) return this.#rows(overrides)
    this.#inherited ??= this.#rows(overrides)
    return this.#inherited
  }

  #rows(overrides: ReadonlyMap<string, string>): CreatableTopicConfigs[] {
    return topicEntries(overrides, this.#broker).map(({ name, value, source, isReadOnly, isSensitive }) => ({
      name,
      // As it was given: only DescribeConfigs brings values into one form.
      value: overrides.get(name) ?? value,
      readOnly: isReadOnly,
      configSource: source,
      isSensitive,
    }))
  }
}
