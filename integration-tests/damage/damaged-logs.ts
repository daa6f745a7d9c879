import type { Damage } from './damage.ts'
import { ORDERS, orders } from './directory.ts'
import {
  change,
  copy,
  cut,
  flipIn,
  folder,
  GARBAGE,
  grow,
  LAST_LOG,
  put,
  remove,
  resize,
  segment,
} from './edits.ts'
import { FIRST, missing, refusedLog, served, unreadable } from './outcomes.ts'

export const logs: readonly Damage[] = [
  {
    name: 'the checksum of a batch in the middle, which only whoever reads it can tell',
    act: change(`${orders(0)}.log`, flipIn(1, 17)),
    clean: served,
    found: /^problem \/orders-0\/0{20}\.log: the checksum of the batch/,
  },
  {
    name: 'the size of the first batch',
    act: change(`${orders(0)}.log`, resize(0, 5)),
    clean: unreadable(/damaged at byte 0, offset 0/),
    found: /^problem \/orders-0\/0{20}\.log: a batch of magic 2 has at least 61 bytes/,
  },
  {
    name: 'the size of a batch in the middle',
    act: change(`${orders(0)}.log`, resize(1, 5)),
    clean: unreadable(/damaged at byte 71, offset 1/),
    found: /^problem \/orders-0\/0{20}\.log: a batch of magic 2 has at least 61 bytes/,
  },
  {
    name: 'a batch in the middle that would be larger than the file',
    act: change(`${orders(0)}.log`, resize(1, 50_000_000)),
    clean: unreadable(/damaged at byte 71, offset 1/),
    found: /^problem \/orders-0\/0{20}\.log: a batch of 50000012 bytes begins here/,
  },
  {
    name: 'the size of the last batch',
    act: change(LAST_LOG, resize(2, 5)),
    clean: refusedLog(/damaged at byte 143, offset 11/),
    found: /^problem \/orders-0\/0*9\.log: a batch of magic 2 has at least 61 bytes/,
  },
  {
    name: 'the last batch is cut off, although it was on the device',
    act: change(LAST_LOG, cut(5)),
    clean: refusedLog(/damaged at byte 143, offset 11/),
    found: /^problem \/orders-0\/0*9\.log: a batch of 72 bytes begins here, but only 67 are there/,
  },
  {
    name: 'garbage behind the last batch',
    act: change(LAST_LOG, grow(GARBAGE)),
    clean: refusedLog(/damaged at byte 215, offset 12/),
    // A crash leaves such a thing of a write that had not ended.
    crash: { lines: [/recovery cut the log .* truncatedBytes=160/], loses: /orders-0/ },
    found: /^problem \/orders-0\/0*9\.log: here should be a batch/,
  },
  {
    name: 'zeros behind the last batch',
    act: change(LAST_LOG, grow(Buffer.alloc(300))),
    clean: { loses: /0*9\.log$/ },
    crash: { lines: [/recovery cut the log .* truncatedBytes=300/], loses: /orders-0/ },
    found: undefined,
  },
  {
    name: 'garbage instead of the last segment',
    act: change(LAST_LOG, (bytes) => Buffer.alloc(bytes.length, 7)),
    clean: refusedLog(/damaged at byte 0, offset 9/),
    found: /^problem \/orders-0\/0*9\.log: here should be a batch, but its magic is 7/,
  },
  {
    name: 'the last segment is empty',
    act: put(LAST_LOG, ''),
    clean: { lines: [/built anew/, missing(9, 11)], orders: `${FIRST} o3 o4 M o6 o7 o8` },
    crash: { lines: [missing(9, 11)], orders: `${FIRST} o3 o4 M o6 o7 o8` },
    found: /^problem \/orders-0: recovery-point-offset-checkpoint says 12, and the log ends at 9/,
  },
  {
    name: 'an older segment is cut off',
    act: change(`${orders(3)}.log`, cut(5)),
    clean: unreadable(/damaged at byte 142, offset 5/, /a segment is damaged .* offset=5/, missing(5, 5)),
    found: /^problem \/orders-0\/0*3\.log: a batch of 78 bytes begins here, but only 73/,
  },
  {
    name: 'garbage behind an older segment',
    act: change(`${orders(3)}.log`, grow(GARBAGE)),
    clean: unreadable(/damaged at byte 220, offset 6/),
    found: /^problem \/orders-0\/0*3\.log: here should be a batch/,
  },
  {
    name: 'zeros behind an older segment',
    act: change(`${orders(3)}.log`, grow(Buffer.alloc(300))),
    clean: served,
    found: undefined,
  },
  {
    name: 'a segment in the middle is missing',
    act: remove(...segment(6)),
    clean: { lines: [missing(6, 8)], orders: `${FIRST} o3 o4 M o9 o10 o11` },
    found: /^problem \/orders-0\/0*9\.log: the offsets 6 to 8 in front of it are missing/,
  },
  {
    name: 'the first segment is missing, as retention would have it',
    act: remove(...segment(0)),
    clean: { orders: 'o3 o4 M o6 o7 o8 o9 o10 o11' },
    found: /^note \/orders-0: the log begins at offset 3, and leader-epoch-checkpoint knows of 0/,
  },
  {
    name: 'the last segment is missing',
    act: remove(...segment(9)),
    clean: { lines: [missing(9, 11)], orders: `${FIRST} o3 o4 M o6 o7 o8` },
    found: /^problem \/orders-0: recovery-point-offset-checkpoint says 12, and the log ends at 9/,
  },
  {
    name: 'all segments are missing',
    act: remove(...[0, 3, 6, 9].flatMap(segment)),
    clean: { lines: [missing(0, 11)], orders: '' },
    found: /^problem \/orders-0: there is no segment in it, and recovery-point-offset-checkpoint says 12/,
  },
  {
    name: 'the folder is gone',
    act: (files) => files.removeDirectory(ORDERS),
    clean: {
      lines: [/the folder of a partition is missing, it begins anew .*partition=orders-0 from=0 to=11/],
      orders: '',
    },
    crash: { orders: '' },
    found: /^problem \/orders-0: the folder is missing, and recovery-point-offset-checkpoint says 12/,
  },
  {
    name: 'a segment twice',
    act: copy(`${orders(3)}.log`, `${orders(4)}.log`),
    clean: {
      ...refusedLog(/begins at offset 4, and the segment before it ends at 5/),
      lines: [/a segment is damaged .*offset=4/, /begins at offset 4, .*left as it is.* partition=orders-0/],
    },
    found: /^problem \/orders-0\/0*4\.log: it begins at offset 4, and the segment before it ends at 5/,
  },
  {
    name: 'a folder with the name of a segment',
    act: folder(`${orders(3)}.log`),
    clean: {
      lines: [/cannot open the log.*EISDIR/],
      isUnrecovered: true,
      orders: /^ApiError: cannot open the log: EISDIR/,
    },
    found: /^problem \/orders-0\/0*3\.log: it is a folder/,
  },
]
