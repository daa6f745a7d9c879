import { expect, test } from 'vitest'
import { loadCatalog } from '../cli/spec-catalog.ts'
import { walk } from '../inspector/node.ts'
import { exampleFrame } from './example-frame.ts'

const catalog = loadCatalog()

test('every version of every API has an example that the inspector reads to its end', async () => {
  const wrong: string[] = []
  for (const api of catalog.apis) {
    for (const role of ['request', 'response'] as const) {
      const { from, to } = api[role].versions
      for (let version = from; version <= to; version++) {
        try {
          const { problem } = await exampleFrame(catalog, api, role, version)
          if (problem !== undefined) wrong.push(`${api.name} ${role} ${version}: ${problem.found}`)
        } catch (error) {
          wrong.push(`${api.name} ${role} ${version}: ${String(error)}`)
        }
      }
    }
  }
  expect(wrong).toEqual([])
})

test('values are such as could come along', async () => {
  const { root } = await exampleFrame(catalog, catalog.findApi('Metadata')!, 'response', 12)
  const values = new Map(Array.from(walk(root), ({ path, value }) => [path, value]))
  expect(values.get('brokers[0].port')).toBe(9092)
  expect(values.get('topics[0].name')).toBe('orders')
  expect(values.get('topics[0].partitions[0].isrNodes[0]')).toBe(1)
})
