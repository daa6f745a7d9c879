import { expect, test } from 'vitest'
import { loadSources } from '../cli/api/load-sources.ts'
import { apiPage } from './api-page.ts'
import type { Block } from './block.ts'
import { errorPage, familyPage, messagePage, overview } from './pages.ts'
import { find, similar } from './reference.ts'

const sources = loadSources()

function tables(page: readonly Block[]): (readonly string[])[] {
  return page.flatMap((block) => (block.kind === 'table' ? block.rows : []))
}

test('a word finds an API, a message, a family or an error, however it is written', () => {
  for (const word of ['OffsetCommit', 'offset-commit', 'offsetcommitREQUEST', '8'])
    expect(find(sources, word)).toMatchObject({ kind: 'api', api: { key: 8 } })
  expect(find(sources, 'offsetcommitvalue')).toMatchObject({ kind: 'message', message: { key: 1 } })
  expect(find(sources, 'Headers')).toMatchObject({ kind: 'family' })
  expect(find(sources, 'topic_already_exists')).toEqual({ kind: 'error', code: 36 })
  expect(find(sources, 'errors')).toEqual({ kind: 'errors' })
  expect(find(sources, '999')).toBeUndefined()
})

test('close names are offered for one that is not there', () => {
  expect(similar(sources, 'ofsetcomit')).toContain('OffsetCommit')
  expect(similar(sources, 'TOPIC_ALREADY_EXIST')).toContain('TOPIC_ALREADY_EXISTS')
  expect(similar(sources, 'qqqqqqqqqqqq')).toEqual([])
})

test('every API has a page: its history, its fields as they nest, errors, clients and an example', async () => {
  for (const api of sources.catalog.apis) {
    const page = await apiPage(sources, api, api.request.versions.to)
    expect(page[0]).toEqual({ kind: 'heading', level: 1, text: `${api.name} (key ${api.key})` })
    expect(page[1]!.kind, api.name).toBe('paragraph')
    expect(page.filter(({ kind }) => kind === 'inspection')).toHaveLength(2)
  }
  const rows = tables(await apiPage(sources, sources.catalog.findApi('ListOffsets')!, 11))
  expect(rows).toContainEqual(['2', 'KIP-98', expect.stringContaining('last stable offset')])
  expect(rows).toContainEqual(['    partitionIndex', 'int32', 'Number of the partition.'])
  expect(rows).toContainEqual([
    '3',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'yes',
    expect.stringContaining('Refresh metadata'),
  ])
  expect(rows).toContainEqual(['kafkajs 2.2', 'up to 3', ''])
})

test('fields are those of the version, and the others are named', async () => {
  const page = await apiPage(sources, sources.catalog.findApi('ListOffsets')!, 0)
  const names = tables(page).map(([name]) => name!.trim())
  expect(names).toContain('oldStyleOffsets')
  expect(names).not.toContain('isolationLevel')
  expect(page).toContainEqual({ kind: 'paragraph', text: expect.stringContaining('isolationLevel (2-11)') })
})

test('all records, blobs and layouts have a page too', async () => {
  for (const file of sources.specs.files) {
    if (file.api !== undefined) continue
    expect(tables(familyPage(file)).length).toBe(file.messages.length)
    for (const message of file.messages) {
      const page = await messagePage(sources, message, file, message.versions.to)
      const [example] = page.flatMap((block) => (block.kind === 'inspection' ? [block.inspection] : []))
      if (message.role !== 'layout') expect(example, message.name).toBeDefined()
      expect(example?.problem, message.name).toBeUndefined()
    }
  }
})

test('an error says which APIs answer it; the overview has every API', () => {
  expect(tables(errorPage(sources, 36))).toContainEqual(['19', 'CreateTopics', expect.any(String)])
  const [apis] = overview(sources).flatMap((block) => (block.kind === 'table' ? [block.rows] : []))
  expect(apis).toHaveLength(sources.catalog.apis.length)
  expect(apis).toContainEqual(['22', 'InitProducerId', '0-6', '6', '2+', '0-5', expect.any(String)])
})
