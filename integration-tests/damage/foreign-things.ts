import type { Damage } from './damage.ts'
import { DATA, ORDERS, orders } from './directory.ts'
import { change, copy, folder, GARBAGE, put, remove } from './edits.ts'
import { asStray, leftAlone, rebuilt, refusedLog, served, stop } from './outcomes.ts'

export const foreign: readonly Damage[] = [
  { name: 'nothing', act: () => {}, clean: served, found: undefined },
  {
    name: 'a foreign file',
    act: put(`${DATA}/README`, 'x'),
    clean: served,
    found: /^note \/README: no file of/,
  },
  {
    name: '.DS_Store',
    act: put(`${DATA}/.DS_Store`, 'x'),
    clean: served,
    found: /^note \/\.DS_Store: no file of/,
  },
  {
    name: 'a foreign file in a partition, with an ending that is used',
    act: (files) => {
      for (const name of ['notes.tmp', 'a.deleted', 'b.swap']) files.replace(`${ORDERS}/${name}`, name)
    },
    clean: served,
    found: /^note \/orders-0\/notes\.tmp: no file of a partition/,
  },
  {
    name: 'a folder in a partition',
    act: folder(`${ORDERS}/backup`),
    clean: served,
    found: /^note \/orders-0\/backup: /,
  },
  {
    name: 'lost+found',
    act: folder(`${DATA}/lost+found`),
    clean: leftAlone,
    found: /^note \/lost\+found: the folder is of no/,
  },
  {
    name: 'a folder that is named like a partition of an unknown topic',
    act: folder(`${DATA}/photos-2024`),
    clean: asStray(/the metadata knows no such partition/),
    found: /^note \/photos-2024: .* puts it aside as a stray/,
  },
  {
    name: 'a partition that the topic does not have',
    act: folder(`${DATA}/orders-7`),
    clean: asStray(/the metadata knows no such partition/),
    found: /^note \/orders-7: .* puts it aside as a stray/,
  },
  {
    name: 'a folder that means a partition which has another one',
    act: folder(`${DATA}/orders-00`),
    clean: leftAlone,
    found: /^note \/orders-00: the folder is of no partition/,
  },
  ...['stray', 'future'].map((state) => ({
    name: `a -${state} folder`,
    act: folder(`${DATA}/orders-0.${'a'.repeat(32)}-${state}`),
    clean: served,
    found: new RegExp(`^note /orders-0\\..*: put aside \\(${state}\\)`),
  })),
  {
    name: 'a -delete folder',
    act: folder(`${DATA}/gone-0.${'a'.repeat(32)}-delete`),
    clean: { loses: /gone-0/ },
    found: /^note \/gone-0\..*: deleted; the next start removes it/,
  },
  ...['deleted', 'cleaned'].map((state) => ({
    name: `a .${state} segment`,
    act: put(`${orders(3)}.log.${state}`, GARBAGE),
    clean: { loses: new RegExp(`\\.${state}$`) },
    found: new RegExp(`^note /orders-0/.*\\.log\\.${state}: `),
  })),
  {
    name: 'a .swap segment that is whole',
    act: copy(`${orders(3)}.log`, `${orders(3)}.log.swap`),
    clean: rebuilt(`${orders(3)}.log problem=missing`),
    found: /^note \/orders-0\/.*\.swap: compacted/,
  },
  {
    name: 'a .swap segment that is not',
    act: put(`${orders(3)}.log.swap`, GARBAGE),
    clean: refusedLog(/\.log\.swap is damaged at byte 0/),
    found: /^problem \/orders-0\/.*\.swap: here should be a batch/,
  },
  {
    name: 'a .swap segment with nothing in it',
    act: put(`${orders(3)}.log.swap`, ''),
    clean: served,
    found: /^note \/orders-0\/.*\.swap: compacted/,
  },
]

export const identity: readonly Damage[] = [
  {
    name: 'a newer meta.properties',
    act: change(`${DATA}/meta.properties`, (bytes) => bytes.toString().replace('version=1', 'version=2')),
    clean: stop(/meta\.properties has version 2, and only 1 is known here: start the broker that wrote it/),
    found: /^problem \/meta\.properties: version is 2/,
  },
  {
    name: 'an empty meta.properties',
    act: put(`${DATA}/meta.properties`, ''),
    clean: stop(/meta\.properties has no version/),
    found: /^problem \/meta\.properties: the file is empty/,
  },
  {
    name: 'no meta.properties',
    act: remove(`${DATA}/meta.properties`),
    clean: stop(/has no meta\.properties, but a partition's folder/),
    found: /^problem : there is no meta\.properties/,
  },
  {
    name: 'a folder meta.properties',
    act: folder(`${DATA}/meta.properties`),
    clean: stop(/meta\.properties cannot be read: EISDIR/),
    found: /^problem \/meta\.properties: it is a folder/,
  },
  {
    name: 'another node',
    act: () => {},
    properties: { 'node.id': '2' },
    clean: stop(/belongs to node 1/),
    found: undefined,
  },
]
