/** What the one line of an exchange tells of its messages. */
export interface MessageFacts {
  /** In the order in which they appear, each once. */
  readonly topics: string[]
  /** Codes other than 0, each once. */
  readonly errorCodes: number[]
}

/** Fields that name a topic wherever they stand. */
const TOPIC_FIELDS: ReadonlySet<string> = new Set(['topic', 'topicName'])
/** Arrays of structs whose `name` is a topic's, and of names. */
const TOPIC_ARRAYS: ReadonlySet<string> = new Set([
  'topics',
  'topicData',
  'topicNames',
  'subscribedTopicNames',
])
const ARRAYS_OF_RESPONSES: ReadonlySet<string> = new Set(['responses', 'data'])
const NO_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

/** Names of topics by their id, as far as messages have told both. Newer requests tell the id alone (KIP-516). */
export class TopicNames {
  readonly #names = new Map<string, string>()

  /** Looks through a message, whatever its API: fields have the same names everywhere. */
  factsOf(...messages: unknown[]): MessageFacts {
    const topics = new Set<string>()
    const errorCodes = new Set<number>()
    for (const message of messages) this.#visit(message, '', topics, errorCodes)
    return { topics: [...topics], errorCodes: [...errorCodes] }
  }

  #visit(value: unknown, within: string, topics: Set<string>, errorCodes: Set<number>): void {
    if (Array.isArray(value)) {
      const [first] = value as unknown[]
      if (typeof first === 'object') for (const each of value) this.#visit(each, within, topics, errorCodes)
      else if (typeof first === 'string' && TOPIC_ARRAYS.has(within))
        for (const each of value) topics.add(String(each))
      return
    }
    if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return
    const struct = value as Readonly<Record<string, unknown>>
    this.#addTopic(struct, within, topics)
    for (const [field, inner] of Object.entries(struct)) {
      if (field === 'errorCode' && typeof inner === 'number' && inner !== 0) errorCodes.add(inner)
      else if (typeof inner === 'object') this.#visit(inner, field, topics, errorCodes)
    }
  }

  #addTopic(struct: Readonly<Record<string, unknown>>, within: string, topics: Set<string>): void {
    const { topicId } = struct
    let name = [...TOPIC_FIELDS].map((field) => struct[field]).find(isName)
    const isTopicList = TOPIC_ARRAYS.has(within) || (ARRAYS_OF_RESPONSES.has(within) && 'topicId' in struct)
    if (name === undefined && isTopicList && isName(struct.name)) name = struct.name
    if (typeof topicId !== 'string' || topicId === NO_TOPIC_ID) {
      if (name !== undefined) topics.add(name)
      return
    }
    if (name !== undefined) this.#names.set(topicId, name)
    topics.add(name ?? this.#names.get(topicId) ?? topicId)
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
