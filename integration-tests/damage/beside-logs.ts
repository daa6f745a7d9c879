import type { Damage, Outcome } from './damage.ts'
import { DATA, ORDERS, orders } from './directory.ts'
import { change, cut, flip, flipIn, folder, put, remove } from './edits.ts'
import { asStray, FIRST, missing, rebuilt, refusedLog, served, stop } from './outcomes.ts'

export const beside: readonly Damage[] = [
  ...(
    [
      [
        'the last entry of an index points elsewhere',
        0,
        'index',
        flip(-1),
        /^problem .*\.index: offset 2 is said to be at/,
      ],
      [
        'the index of the last segment points elsewhere',
        9,
        'index',
        flip(-3),
        /^problem .*\.index: offset 11 is said/,
      ],
      ['an index is cut off', 0, 'index', cut(3), /^problem .*\.index: 5 of 8 bytes of an entry/],
      ['an index is full of garbage', 0, 'index', () => Buffer.alloc(800, 17), /^problem .*\.index: /],
      ['a time index goes back', 0, 'timeindex', flip(2), /^problem .*\.timeindex: offset 1 is said to have/],
      [
        'a time index knows what is not there',
        9,
        'timeindex',
        flip(-1),
        /^problem .*\.timeindex: offset 262 is not/,
      ],
      ['a time index is empty', 0, 'timeindex', () => '', undefined],
      ['a transaction index is cut off', 3, 'txnindex', cut(3), /^problem .*\.txnindex: 31 of 34 bytes/],
    ] as const
  ).map(([name, offset, suffix, edit, found]) => ({
    name,
    act: change(`${orders(offset)}.${suffix}`, edit),
    clean: rebuilt(`${orders(offset)}.log`),
    // The last segment is recovered anyway.
    crash: offset === 9 ? served : rebuilt(`${orders(offset)}.log`),
    found,
  })),
  {
    name: 'an entry in the middle of an index points elsewhere',
    act: change(`${orders(0)}.index`, flip(7)),
    clean: served,
    found: /^problem .*\.index: offset 1 is said to be at/,
  },
  {
    name: 'an index is missing',
    act: remove(`${orders(0)}.index`),
    clean: rebuilt(`${orders(0)}.log problem=missing`),
    found: /^note \/orders-0\/0{20}\.log: \.index missing/,
  },
  {
    name: 'an index is missing, and the log beside it damaged',
    act: (files) => {
      change(`${orders(0)}.log`, flipIn(1, 17))(files)
      files.remove(`${orders(0)}.index`)
    },
    clean: { lines: [/a segment is damaged .*offset=1/] },
    found: /^problem \/orders-0\/0{20}\.log: the checksum/,
  },
  {
    name: 'a producer snapshot',
    act: change(`${orders(12)}.snapshot`, flip(-1)),
    clean: { lines: [/producer snapshot cannot be read, going without it path=.*problem=the checksum/] },
    crash: served,
    found: /^problem \/orders-0\/0*12\.snapshot: the checksum/,
  },
  {
    name: 'a transaction that was aborted is another producer’s',
    act: change(`${orders(3)}.txnindex`, flip(3)),
    // Whole as a file; only the log tells.
    clean: { orders: `${FIRST} o3 o4 M o6 o7 o8 o9 o10 o11 (aborted transactions are lost)` },
    found: /^problem .*\.txnindex: offset 5 ends no aborted transaction of the producer/,
  },
  {
    name: 'a transaction index is missing',
    act: remove(`${orders(3)}.txnindex`),
    clean: { orders: `${FIRST} o3 o4 M o6 o7 o8 o9 o10 o11 (aborted transactions are lost)` },
    found: /^problem .*\.txnindex: the transaction of the producer 5 that was aborted at offset 5 is missing/,
  },
  ...(
    [
      ['nonsense', 'x', true, /^problem .*leader-epoch-checkpoint: it is cut off/],
      [
        'behind the end',
        '0\n2\n0 0\n1 99\n',
        false,
        /^problem .*leader-epoch-checkpoint: epoch 1 begins at 99/,
      ],
      ['falling', '0\n2\n5 3\n1 0\n', true, /^problem .*leader-epoch-checkpoint: epoch 1 comes behind 5/],
      ['of other epochs', '0\n1\n7 0\n', false, /^problem .*: offset 0 has the leader epoch 0, .* says 7/],
    ] as const
  ).map(([name, text, isSeenAfterCrash, found]) => {
    const clean: Outcome = { lines: [/leader-epoch-checkpoint is missing or damaged, building it anew/] }
    const act = put(`${ORDERS}/leader-epoch-checkpoint`, text)
    return { name: `leader epochs: ${name}`, act, clean, crash: isSeenAfterCrash ? clean : served, found }
  }),
  ...(
    [
      ['recovery-point', 'after a crash all logs are recovered from their start'],
      ['log-start', 'logs start with their first segment, and deleted records in it are back'],
      ['replication', 'high watermarks begin anew'],
      ['cleaner', 'logs are compacted from their start'],
    ] as const
  ).flatMap(([name, meaning]) => {
    const file = `${name}-offset-checkpoint`
    const clean: Outcome = { lines: [new RegExp(`a checkpoint is damaged: ${meaning} path=${DATA}/${file}`)] }
    const found = new RegExp(`^problem /${file}: it is cut off, or no checkpoint of version 0`)
    return [
      { name: `${file}: nonsense`, act: put(`${DATA}/${file}`, 'x'), clean, found },
      { name: `${file}: newer`, act: put(`${DATA}/${file}`, '1\n1\norders 0 3\n'), clean, found },
      { name: `${file}: cut off`, act: put(`${DATA}/${file}`, '0\n2\norders 0 3\n'), clean, found },
      {
        name: `${file}: a folder`,
        act: folder(`${DATA}/${file}`),
        clean: { ...stop(new RegExp(`${file} cannot be read: EISDIR`)), lines: [/a folder of no partition/] },
        found: new RegExp(`^problem /${file}: it is a folder`),
      },
    ]
  }),
  {
    name: 'a recovery point behind the end',
    act: put(`${DATA}/recovery-point-offset-checkpoint`, '0\n1\norders 0 99\n'),
    clean: { lines: [missing(12, 98)] },
    found: /^problem \/orders-0: recovery-point-offset-checkpoint says 99/,
  },
  {
    name: 'a log start behind the end',
    act: put(`${DATA}/log-start-offset-checkpoint`, '0\n1\norders 0 99\n'),
    clean: refusedLog(/ends at offset 12, and log-start-offset-checkpoint says that it begins at 99/),
    // A power loss may take what comes behind records that were deleted before.
    crash: { lines: [/was deleted before: it begins anew/], orders: '', loses: /orders-0/ },
    found: /^problem \/orders-0: log-start-offset-checkpoint says 99/,
  },
  {
    name: 'no damage: all records were deleted, and the leader epochs of what is gone',
    act: (files) => {
      files.replace(`${DATA}/log-start-offset-checkpoint`, '0\n1\norders 0 12\n')
      files.replace(`${ORDERS}/leader-epoch-checkpoint`, '0\n1\n3 12\n')
    },
    clean: { orders: '' },
    found: undefined,
  },
  {
    name: 'the id of another topic',
    act: put(`${ORDERS}/partition.metadata`, 'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAw'),
    clean: { ...asStray(/it belongs to topic id A+w, not/), orders: '' },
    found: /^problem \/orders-0\/partition\.metadata: topic_id is A+w, and the metadata says/,
  },
  ...(
    [
      [
        'cut off',
        change(`${ORDERS}/partition.metadata`, cut(4)),
        /^problem .*partition\.metadata: topic_id is/,
      ],
      ['empty', put(`${ORDERS}/partition.metadata`, ''), /^problem .*partition\.metadata: the file is empty/],
      [
        'missing',
        remove(`${ORDERS}/partition.metadata`),
        /^problem \/orders-0: there is no partition\.metadata/,
      ],
    ] as const
  ).map(([name, act, found]) => ({
    name: `partition.metadata: ${name}`,
    act,
    clean: { lines: [/partition\.metadata was missing or damaged, and was written anew/] },
    found,
  })),
]
