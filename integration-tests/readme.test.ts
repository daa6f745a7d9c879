import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { apis } from '../src/handlers/index.ts'
import { repositoryRoot } from './support/repository.ts'

const path = join(repositoryRoot, 'README.md')
const BEGIN = '<!-- generated: apis -->\n'
const END = '<!-- end of generated -->'

/** The APIs that are served, as the README lists them. */
function table(): string {
  const rows = apis.map(
    ({ key, name, minVersion, maxVersion }) => `| ${key} | ${name} | ${minVersion} to ${maxVersion} |`,
  )
  return ['| key | API | versions |', '|---|---|---|', ...rows, ''].join('\n')
}

test('the README lists the APIs that are served (ODRADEK_UPDATE_README=1 writes them)', () => {
  const text = readFileSync(path, 'utf8')
  const begin = text.indexOf(BEGIN)
  const end = text.indexOf(END)
  expect(begin, `README.md has ${BEGIN}`).toBeGreaterThan(0)
  expect(end, `README.md has ${END}`).toBeGreaterThan(begin)
  const from = begin + BEGIN.length
  if (process.env.ODRADEK_UPDATE_README) {
    writeFileSync(path, text.slice(0, from) + table() + text.slice(end))
    return
  }
  expect(text.slice(from, end)).toBe(table())
})
