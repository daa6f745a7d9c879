import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startConfig } from './start-config.ts'
import { parseStartArguments } from './start-options.ts'
import { FakeHost } from './test-support/fake-host.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'start-config-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function configOf(args: string[], environment: Record<string, string> = {}) {
  const host = new FakeHost(args, { environment, workingDirectory: folder })
  return startConfig(parseStartArguments(args), host)
}

test('by default it listens on this machine only and keeps its logs in a folder of its own', () => {
  const { config, data, isDefaultData } = configOf([])
  expect(config.listeners).toMatchObject([{ name: 'PLAINTEXT', host: '127.0.0.1', port: 9092 }])
  expect(data).toBe(join(folder, '.odradek'))
  expect(isDefaultData).toBe(true)
  expect(config.warnings).toEqual([])
})

test('each source wins over the one before', () => {
  writeFileSync(
    join(folder, 'server.properties'),
    'num.partitions=2\nlog.retention.hours=2\nlog.segment.bytes=2000000\nlog.dirs=from-file\nlisteners=PLAINTEXT://:2002\n',
  )
  const environment = { KAFKA_LOG_RETENTION_HOURS: '3', KAFKA_LOG_SEGMENT_BYTES: '3000000' }
  const overrides = ['--override', 'log.segment.bytes=4000000']
  const first = configOf(['server.properties', ...overrides], environment)
  expect(first.config.get('num.partitions')).toBe(2)
  expect(first.config.get('log.retention.hours')).toBe(3)
  expect(first.config.get('log.segment.bytes')).toBe(4_000_000)
  expect(first.config.listeners).toMatchObject([{ host: undefined, port: 2002 }])
  expect(first.data).toBe(join(folder, 'from-file'))
  expect(first.isDefaultData).toBe(false)

  const second = configOf(
    ['server.properties', '--port', '5', '--host', '::1', '--data', 'mine'],
    environment,
  )
  expect(second.config.listeners).toMatchObject([{ host: '::1', port: 5 }])
  expect(second.data).toBe(join(folder, 'mine'))
})

test('--port changes the one listener for clients and leaves the rest', () => {
  const listeners = 'listeners=CONTROLLER://127.0.0.1:9093,EXTERNAL://0.0.0.0:9092'
  const rest = [
    'controller.listener.names=CONTROLLER',
    'inter.broker.listener.name=EXTERNAL',
    'listener.security.protocol.map=CONTROLLER:PLAINTEXT,EXTERNAL:PLAINTEXT',
  ]
  const overrides = [listeners, ...rest].flatMap((property) => ['--override', property])
  expect(configOf([...overrides, '--port', '7']).config.listeners).toMatchObject([
    { name: 'EXTERNAL', host: '0.0.0.0', port: 7 },
  ])
})

test('CLUSTER_ID names the cluster', () => {
  expect(configOf([], { CLUSTER_ID: '5L6g3nShT-eMCtK--X86sw' }).clusterId).toBe('5L6g3nShT-eMCtK--X86sw')
})

test('nothing is kept with --memory', () => {
  expect(configOf(['--memory', '--override', 'log.dirs=x'])).toMatchObject({
    data: undefined,
    isDefaultData: false,
  })
})

describe('errors', () => {
  test.each([
    [['missing.properties'], 1, 'cannot read missing.properties: there is no such file'],
    [['topics'], 2, 'unknown command topics, and no such file: did you mean topic?'],
    [['--override', 'nonsense'], 2, '--override takes name=value, not "nonsense"'],
    [
      ['--port', '1', '--override', 'listeners=A://:1,B://:2'],
      2,
      '--port does not say which of the listeners',
    ],
  ])('%j', (args, exitCode, message) => {
    expect(() => configOf(args)).toThrow(
      expect.objectContaining({ exitCode, message: expect.stringContaining(message) }),
    )
  })

  test('a bad property names the property, the value and what is allowed', () => {
    expect(() => configOf(['--override', 'num.partitions=many'])).toThrow(/num\.partitions.*many.*int/)
  })
})
