import { GROUP_RANGES } from '../broker-cross-checks.ts'
import { brokerProperty } from '../broker-properties.ts'
import { brokerSynonyms, type TopicPropertyName } from '../topic-config.ts'
import { clusterDocumentation } from './cluster.ts'
import { coordinatorDocumentation } from './coordinators.ts'
import { groupDocumentation } from './group.ts'
import { logDocumentation } from './log.ts'
import { networkDocumentation } from './network.ts'
import { securityDocumentation } from './security.ts'
import { topicDocumentation } from './topic.ts'

/** What the properties of a broker are for. */
export const brokerDocumentation: Readonly<Record<string, string>> = {
  ...forTopics(),
  ...forGroups(),
  ...networkDocumentation,
  ...logDocumentation,
  ...coordinatorDocumentation,
  ...clusterDocumentation,
  ...securityDocumentation,
}

/** Settings that topics go by which have none of their own. */
function forTopics(): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const [topicName, brokerName] of Object.entries(brokerSynonyms)) {
    const text = topicDocumentation[topicName as TopicPropertyName]
    texts[brokerName] = `Of topics that do not set ${topicName}. ${text}`
  }
  return texts
}

/** Settings that groups go by which have none of their own, and the limits of such settings. */
function forGroups(): Record<string, string> {
  const texts: Record<string, string> = {}
  const add = (name: string, text: string) => {
    if (brokerProperty(name)) texts[name] = text
  }
  for (const [name, text] of Object.entries(groupDocumentation)) {
    add(`group.${name}`, `Of groups that do not set ${name}. ${text}`)
  }
  for (const kind of ['consumer', 'share', 'streams']) {
    for (const what of GROUP_RANGES) {
      add(`group.${kind}.min.${what}`, `The least that a group may have as ${kind}.${what}.`)
      add(`group.${kind}.max.${what}`, `The most that a group may have as ${kind}.${what}.`)
    }
  }
  return texts
}
