/** What the environment of the apache/kafka image says. */
export interface EnvironmentSettings {
  /** Broker properties out of KAFKA_ variables. */
  readonly properties: ReadonlyMap<string, string>
  /** The variable that each of them was given by. */
  readonly variables: ReadonlyMap<string, string>
  readonly clusterId: string | undefined
}

const PREFIX = 'KAFKA_'

/** Variables of Kafka's scripts, which are not properties. */
const excluded: ReadonlySet<string> = new Set([
  'KAFKA_VERSION',
  'KAFKA_HEAP_OPTS',
  'KAFKA_LOG4J_OPTS',
  'KAFKA_OPTS',
  'KAFKA_JMX_OPTS',
  'KAFKA_JVM_PERFORMANCE_OPTS',
  'KAFKA_GC_LOG_OPTS',
  'KAFKA_LOG4J_ROOT_LOGLEVEL',
  'KAFKA_LOG4J_LOGGERS',
  'KAFKA_TOOLS_LOG4J_LOGLEVEL',
  'KAFKA_JMX_HOSTNAME',
])

/**
 * Reads the environment as the apache/kafka image does: `KAFKA_LOG_DIRS` is `log.dirs`; two underscores stand for one, three for a hyphen.
 * Without `KAFKA_LISTENERS` the listeners are the advertised ones on all addresses. `CLUSTER_ID` names the cluster of a new data directory.
 */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): EnvironmentSettings {
  const properties = new Map<string, string>()
  const variables = new Map<string, string>()
  for (const [variable, value] of Object.entries(environment)) {
    if (value === undefined || !variable.startsWith(PREFIX) || excluded.has(variable)) continue
    const name = propertyName(variable)
    if (name === '') continue
    properties.set(name, value)
    variables.set(name, variable)
  }
  const advertised = properties.get('advertised.listeners')
  if (advertised !== undefined && !properties.has('listeners')) {
    properties.set('listeners', onAllAddresses(advertised))
  }
  return { properties, variables, clusterId: environment.CLUSTER_ID || undefined }
}

function propertyName(variable: string): string {
  const separators: Readonly<Record<string, string>> = { ___: '-', __: '_', _: '.' }
  return variable
    .slice(PREFIX.length)
    .toLowerCase()
    .replace(/___|__|_/g, (underscores) => separators[underscores]!)
}

function onAllAddresses(advertised: string): string {
  return advertised.replace(/:\/\/(\[[^\]]*\]|[^:,]*):/g, '://0.0.0.0:')
}
