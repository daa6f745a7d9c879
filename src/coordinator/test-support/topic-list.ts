import type { GroupTopic, GroupTopics } from '../group/consumer/topics.ts'

/** Topics of a cluster that is made up. */
export class TopicList implements GroupTopics {
  readonly #topics = new Map<string, GroupTopic>()
  #version = 0n
  #nextId = 1

  /** Creates a topic, or changes how many partitions it has. Its id comes back: it counts up, so that tests see the same ids each time. */
  set(name: string, partitionCount: number, rack?: string): string {
    const topicId = this.#topics.get(name)?.topicId ?? this.#id()
    this.#topics.set(name, { name, topicId, partitionCount, racks: () => (rack === undefined ? [] : [rack]) })
    this.#version++
    return topicId
  }

  delete(name: string): void {
    this.#topics.delete(name)
    this.#version++
  }

  byName(name: string): GroupTopic | undefined {
    return this.#topics.get(name)
  }

  byId(topicId: string): GroupTopic | undefined {
    return [...this.#topics.values()].find((topic) => topic.topicId === topicId)
  }

  names(): Iterable<string> {
    return this.#topics.keys()
  }

  version(): bigint {
    return this.#version
  }

  #id(): string {
    const bytes = Buffer.alloc(16)
    bytes.writeInt32BE(this.#nextId++, 12)
    return bytes.toString('base64url')
  }
}
