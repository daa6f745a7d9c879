import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { brokerProperties } from './broker-properties.ts'
import { brokerDocumentation } from './documentation/broker.ts'
import { documentationOf } from './documentation.ts'
import { honouredProperties } from './honoured-properties.ts'

test('every property of a broker has a sentence', () => {
  const names = Object.keys(brokerProperties)
  expect(names.filter((name) => !brokerDocumentation[name])).toEqual([])
  expect(Object.keys(brokerDocumentation).filter((name) => !names.includes(name))).toEqual([])
})

test('a setting without effect says so', () => {
  expect(documentationOf('broker', 'num.io.threads')).toMatch(/does not honour it yet\.$/)
  expect(documentationOf('broker', 'num.partitions')).not.toMatch(/honour/)
  expect(documentationOf('topic', 'cleanup.policy')).not.toMatch(/honour/)
  expect(documentationOf('topic', 'local.retention.ms')).toMatch(/does not honour it yet\.$/)
  expect(documentationOf('broker', 'listener.name.external.ssl.protocol')).toContain('TLS')
  expect(documentationOf('broker', 'no.such')).toBeNull()
})

test('what the source reads is honoured, so that its user is not warned', () => {
  const root = new URL('..', import.meta.url)
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.ts$/.test(file) && !/^config|\.test\.ts$|generated/.test(file.replaceAll('\\', '/')),
  )
  const read = files.flatMap((file) => [
    ...readFileSync(new URL(file.replaceAll('\\', '/'), root), 'utf8').matchAll(/onfig\.get\(\s*'([^']+)'/g),
  ])
  expect(read.map(([, name]) => name!).filter((name) => !honouredProperties.has(name))).toEqual([])
})
