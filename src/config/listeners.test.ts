import { expect, test } from 'vitest'
import { BrokerConfig } from './broker-config.ts'

const listeners = (properties: Record<string, string>) =>
  BrokerConfig.fromProperties(new Map(Object.entries(properties))).listeners

test('the compose file of Apache Kafka: two listeners for clients, none of the controller', () => {
  expect(
    listeners({
      'node.id': '1',
      'process.roles': 'broker,controller',
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT',
      'advertised.listeners': 'PLAINTEXT_HOST://localhost:9092,PLAINTEXT://broker:19092',
      listeners: 'CONTROLLER://:29093,PLAINTEXT_HOST://:9092,PLAINTEXT://:19092',
      'controller.quorum.voters': '1@broker:29093',
      'inter.broker.listener.name': 'PLAINTEXT',
      'controller.listener.names': 'CONTROLLER',
    }),
  ).toEqual([
    {
      name: 'PLAINTEXT_HOST',
      host: undefined,
      port: 9092,
      advertised: { host: 'localhost', port: 9092 },
      isAdvertised: true,
    },
    {
      name: 'PLAINTEXT',
      host: undefined,
      port: 19092,
      advertised: { host: 'broker', port: 19092 },
      isAdvertised: true,
    },
  ])
})

test('without advertised listeners clients are told the address that they dialled', () => {
  expect(listeners({ listeners: 'plaintext://[::1]:0' })).toEqual([
    { name: 'PLAINTEXT', host: '::1', port: 0, advertised: undefined, isAdvertised: true },
  ])
})

test('a listener that is not among the advertised ones is not told', () => {
  const [, inner] = listeners({
    listeners: 'PLAINTEXT://:9092,INNER://:9093',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,INNER:PLAINTEXT',
    'advertised.listeners': 'PLAINTEXT://host:9092',
  })
  expect(inner).toMatchObject({ name: 'INNER', advertised: undefined, isAdvertised: false })
})

test('IPv4 and IPv6 may share a name and a port (KIP-797)', () => {
  const hosts = listeners({ listeners: 'PLAINTEXT://127.0.0.1:9092,PLAINTEXT://[::1]:9092' }).map(
    ({ host }) => host,
  )
  expect(hosts).toEqual(['127.0.0.1', '::1'])
})

test.each([
  [
    { listeners: '' },
    'listeners="" is not allowed: it has to be a list of NAME://host:port that is not empty',
  ],
  [
    { listeners: 'PLAINTEXT:9092' },
    'listeners="PLAINTEXT:9092" is not allowed: it has to be NAME://host:port',
  ],
  [{ listeners: 'PLAINTEXT://:70000' }, 'listeners="PLAINTEXT://:70000" is not allowed'],
  [{ listeners: 'PLAINTEXT://:1,PLAINTEXT://:2' }, 'with different names'],
  [{ listeners: 'PLAINTEXT://:1,SSL://:1' }, 'with different ports'],
  [{ listeners: 'SSL://:1' }, 'SSL is not supported yet'],
  [{ listeners: 'HOST://:1' }, 'it has to be a list of listener:protocol that has the listener HOST'],
  [
    { 'listener.security.protocol.map': 'PLAINTEXT:PLAIN' },
    'listener.security.protocol.map="PLAINTEXT:PLAIN" is not allowed',
  ],
  [
    { 'advertised.listeners': 'PLAINTEXT://0.0.0.0:9092' },
    'an address that clients can reach, which 0.0.0.0 is not',
  ],
  [
    { 'advertised.listeners': 'OTHER://host:9092' },
    'it has to be a list of names out of listeners: PLAINTEXT',
  ],
  [
    { 'inter.broker.listener.name': 'OTHER' },
    'inter.broker.listener.name="OTHER" is not allowed: it has to be the name of an advertised listener: PLAINTEXT',
  ],
  [
    { 'inter.broker.listener.name': 'PLAINTEXT', 'security.inter.broker.protocol': 'PLAINTEXT' },
    'left out when security.inter.broker.protocol is set',
  ],
  [{ 'process.roles': 'controller' }, 'process.roles="controller" is not allowed'],
  [
    { 'process.roles': 'broker,controller', 'controller.listener.names': 'C' },
    'controller.listener.names="C" is not allowed: it has to be a name out of listeners: PLAINTEXT',
  ],
  [
    { 'controller.listener.names': 'PLAINTEXT' },
    'a list with a listener that is not in controller.listener.names',
  ],
])('%o is refused in one line', (properties, message) => {
  const start = () => listeners(properties as Record<string, string>)
  expect(start).toThrow(message)
  expect(start).toThrow(/^[^\n]*$/)
})
