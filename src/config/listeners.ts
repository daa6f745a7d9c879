import type { BrokerConfig } from './broker-config.ts'
import { ConfigError, invalidValue } from './config-error.ts'
import { splitList } from './parse-value.ts'

/** A listener for clients. */
export interface ListenerConfig {
  /** In capital letters, as Kafka has it. */
  readonly name: string
  /** Address to bind; undefined: all. IPv6 without brackets. */
  readonly host: string | undefined
  /** 0 takes a free one. */
  readonly port: number
  /** Address that clients are told; undefined: the one that they dialled. */
  readonly advertised: { readonly host: string; readonly port: number } | undefined
  /** False when `advertised.listeners` is set and leaves this one out: clients that come in here are told of no broker. */
  readonly isAdvertised: boolean
}

interface EndPoint {
  readonly name: string
  readonly host: string
  readonly port: number
}

const SECURITY_PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']
const META_ADDRESS = '0.0.0.0'

/** The listeners for clients: all but those of the controller. Throws `ConfigError`. */
export function parseListeners(config: BrokerConfig): ListenerConfig[] {
  const controllerNames = upperCase(config.get('controller.listener.names') ?? [])
  const all = endPoints('listeners', config.get('listeners'))
  const given = config.get('advertised.listeners')
  const advertised = given === null ? all : endPoints('advertised.listeners', given)
  checkDistinct(all)
  checkAdvertised(advertised, all, given !== null)
  checkRoles(config, all, controllerNames)
  const mine = all.filter(({ name }) => !controllerNames.includes(name))
  if (mine.length === 0) {
    throw wrong('listeners', all, 'a list with a listener that is not in controller.listener.names')
  }
  checkProtocols(config, all, controllerNames)
  checkInterBroker(
    config,
    advertised.filter(({ name }) => !controllerNames.includes(name)),
  )
  return mine.map(({ name, host, port }) => {
    const told = given === null ? undefined : advertised.find((each) => each.name === name)
    return {
      name,
      host: host === '' ? undefined : host,
      port,
      advertised: told && told.host !== '' ? { host: told.host, port: told.port } : undefined,
      isAdvertised: given === null || told !== undefined,
    }
  })
}

/** `NAME://host:port`, IPv6 addresses in brackets. */
function endPoints(property: string, texts: readonly string[]): EndPoint[] {
  if (texts.length === 0) throw invalidValue(property, '', 'a list of NAME://host:port that is not empty')
  return texts.map((text) => {
    const [, name, bracketed, plain, digits] =
      /^([^:/\s]+):\/\/(?:\[([0-9a-fA-F:.%\w]*)\]|([^\s:/[\]]*)):(\d+)$/.exec(text) ?? []
    const port = Number(digits)
    if (name === undefined || port > 65535) {
      throw invalidValue(
        property,
        text,
        'NAME://host:port with a port from 0 to 65535, such as PLAINTEXT://127.0.0.1:9092',
      )
    }
    return { name: name.toUpperCase(), host: bracketed ?? plain ?? '', port }
  })
}

/** Names and ports of listeners differ, but for a pair of an IPv4 and an IPv6 address (KIP-797). */
function checkDistinct(all: readonly EndPoint[]): void {
  const conflicts = (same: (a: EndPoint, b: EndPoint) => boolean, what: string) => {
    for (const [index, one] of all.entries()) {
      const others = all.filter((other, at) => at !== index && same(one, other))
      const isPair = others.length === 1 && one.port === others[0]!.port && areBothFamilies(one, others[0]!)
      if (others.length > 0 && !isPair) {
        throw wrong(
          'listeners',
          all,
          `a list of listeners with different ${what}, or one IPv4 and one IPv6 address on the same port`,
        )
      }
    }
  }
  conflicts((a, b) => a.name === b.name, 'names')
  conflicts((a, b) => a.port !== 0 && a.port === b.port, 'ports')
}

function areBothFamilies(one: EndPoint, other: EndPoint): boolean {
  const isIpv4 = (host: string) => /^\d+(\.\d+){3}$/.test(host)
  const isIpv6 = (host: string) => host.includes(':')
  return (isIpv4(one.host) && isIpv6(other.host)) || (isIpv6(one.host) && isIpv4(other.host))
}

function checkAdvertised(advertised: readonly EndPoint[], all: readonly EndPoint[], isGiven: boolean): void {
  if (!isGiven) return
  const names = new Set(all.map(({ name }) => name))
  for (const endPoint of advertised) {
    if (endPoint.host === META_ADDRESS) {
      throw wrong(
        'advertised.listeners',
        [endPoint],
        `an address that clients can reach, which ${META_ADDRESS} is not`,
      )
    }
    if (!names.has(endPoint.name)) {
      throw wrong(
        'advertised.listeners',
        [endPoint],
        `a list of names out of listeners: ${[...names].join(', ')}`,
      )
    }
  }
}

function checkRoles(
  config: BrokerConfig,
  all: readonly EndPoint[],
  controllerNames: readonly string[],
): void {
  const roles = config.get('process.roles')
  if (roles === null) return
  if (!roles.includes('broker')) {
    throw invalidValue(
      'process.roles',
      roles.join(','),
      'broker or broker,controller: there is no controller without a broker yet',
    )
  }
  if (roles.includes('controller') && !all.some(({ name }) => controllerNames.includes(name))) {
    const names = all.map(({ name }) => name).join(', ')
    throw invalidValue(
      'controller.listener.names',
      controllerNames.join(','),
      `a name out of listeners: ${names}`,
    )
  }
}

/** Every listener has a security protocol, by its own name or by the map; controllers' names that are not in a map of one's own are PLAINTEXT. */
function checkProtocols(
  config: BrokerConfig,
  all: readonly EndPoint[],
  controllerNames: readonly string[],
): void {
  const protocols = protocolMap(config)
  for (const { name } of all) {
    if (controllerNames.includes(name)) continue
    const protocol = protocols.get(name)
    if (protocol === undefined) {
      throw invalidValue(
        'listener.security.protocol.map',
        config.get('listener.security.protocol.map'),
        `a list of listener:protocol that has the listener ${name}`,
      )
    }
    if (protocol !== 'PLAINTEXT') {
      throw invalidValue(
        'listeners',
        name,
        `a listener of the security protocol PLAINTEXT: ${protocol} is not supported yet`,
      )
    }
  }
}

function protocolMap(config: BrokerConfig): Map<string, string> {
  const text = config.get('listener.security.protocol.map')
  const protocols = new Map<string, string>()
  for (const entry of splitList(text)) {
    const [, name, protocol] = /^([^:]+):\s*(\w+)$/.exec(entry) ?? []
    if (name === undefined || !SECURITY_PROTOCOLS.includes(protocol!.toUpperCase())) {
      throw invalidValue(
        'listener.security.protocol.map',
        text,
        `a list of listener:protocol with a protocol out of ${SECURITY_PROTOCOLS.join(', ')}`,
      )
    }
    protocols.set(name.trim().toUpperCase(), protocol!.toUpperCase())
  }
  return protocols
}

/** Brokers talk to each other over one of the advertised listeners. */
function checkInterBroker(config: BrokerConfig, advertised: readonly EndPoint[]): void {
  const given = config.get('inter.broker.listener.name')
  if (given !== null && config.isSet('security.inter.broker.protocol')) {
    throw invalidValue(
      'inter.broker.listener.name',
      given,
      'left out when security.inter.broker.protocol is set, or the other way round',
    )
  }
  const name = (given ?? config.get('security.inter.broker.protocol')).toUpperCase()
  const names = advertised.map((endPoint) => endPoint.name)
  if (!names.includes(name)) {
    throw new ConfigError(
      `inter.broker.listener.name=${JSON.stringify(given ?? '')} is not allowed: ` +
        `it has to be the name of an advertised listener: ${names.join(', ')}`,
    )
  }
}

function wrong(property: string, endPoint: readonly EndPoint[], allowed: string): ConfigError {
  const text = endPoint.map(
    ({ name, host, port }) => `${name}://${host.includes(':') ? `[${host}]` : host}:${port}`,
  )
  return invalidValue(property, text.join(','), allowed)
}

const upperCase = (names: readonly string[]) => names.map((name) => name.toUpperCase())
