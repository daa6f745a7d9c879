import { expect, test } from 'vitest'
import { parseReleases } from './parse-releases.ts'

const source = `releases

  Prose that
  goes on.

brokers
  release | broker    | finalized features
  2.4     | zookeeper | untold
  2.8     | zookeeper | epoch 0
  4.0     | kraft     | own

apis
  key | api      | 2.4 | 2.8 | 4.0
  0   | Produce  | 0-8 | 0-9 | 3-12
  22  | Producer | -   | 2   | -

features
  feature          | 4.0
  metadata.version | 7-25 at 25
  share.version    | -
`

test('reads what each release advertises', () => {
  expect(parseReleases('releases.table', source)).toEqual([
    {
      name: '2.4',
      finalizedFeatures: 'untold',
      apis: [{ key: 0, name: 'Produce', minVersion: 0, maxVersion: 8 }],
      features: [],
    },
    {
      name: '2.8',
      finalizedFeatures: { epoch: 0 },
      apis: [
        { key: 0, name: 'Produce', minVersion: 0, maxVersion: 9 },
        { key: 22, name: 'Producer', minVersion: 2, maxVersion: 2 },
      ],
      features: [],
    },
    {
      name: '4.0',
      finalizedFeatures: 'own',
      apis: [{ key: 0, name: 'Produce', minVersion: 3, maxVersion: 12 }],
      features: [{ name: 'metadata.version', minVersion: 7, maxVersion: 25, level: 25 }],
    },
  ])
})

test.each([
  ['0-8 | 0-9', '0-8', 'releases.table:14: a row has 5 columns, this one has 4'],
  ['0-8 | 0-9', '0+ | 0-9', "releases.table:14: '0+' is no range of versions (3, 0-2 or -)"],
  ['epoch 0', 'epoch x', "releases.table:9: 'epoch x' is none of untold, own, epoch N"],
  ['7-25 at 25', '7-25', "releases.table:19: '7-25' is no levels of a feature (0-2 at 1, or -)"],
  ['| 2.4 | 2.8 |', '| 2.8 | 2.4 |', 'releases.table:13: the columns are key | api | 2.4 | 2.8 | 4.0'],
  ['22  |', '0   |', 'releases.table:15: keys of APIs ascend'],
])('with %s instead of %s it says where and why', (right, wrong, message) => {
  expect(() => parseReleases('releases.table', source.replace(right, wrong))).toThrow(message)
})
