/** Topics that only the broker writes: its coordinators keep their state there. */
const internalTopics: ReadonlySet<string> = new Set([
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
])

/** Whether a topic belongs to the broker itself, whether it exists or not. */
export function isInternalTopic(name: string): boolean {
  return internalTopics.has(name)
}
