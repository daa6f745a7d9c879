import type { Damage } from './damage.ts'
import { METADATA } from './directory.ts'
import { change, cutLastBatch, flip, GARBAGE, grow, METADATA_LOG, put, remove, snapshotsIn } from './edits.ts'
import { served, stop } from './outcomes.ts'

export const metadata: readonly Damage[] = [
  {
    name: 'a batch of the metadata log',
    act: change(METADATA_LOG, flip(200)),
    clean: stop(/0{20}\.log is damaged at byte \d+, offset \d+ \(odradek check tells more\)/),
    // A snapshot tells all that was in it.
    crash: { lines: [/recovery cut the log .*__cluster_metadata/] },
    found: /^problem \/__cluster_metadata-0\/0{20}\.log: the checksum/,
  },
  {
    name: 'garbage behind the metadata log',
    act: change(METADATA_LOG, grow(GARBAGE)),
    clean: stop(/0{20}\.log is damaged at byte \d+/),
    crash: { lines: [/recovery cut the log .*__cluster_metadata.* truncatedBytes=160/] },
    found: /^problem \/__cluster_metadata-0\/0{20}\.log: here should be a batch/,
  },
  {
    name: 'the metadata log is missing, with snapshots of all of it',
    act: remove(METADATA_LOG),
    clean: served,
    found: /^note \/__cluster_metadata-0: there is no segment in it/,
  },
  {
    name: 'the last batch of the metadata log is missing, and so are the snapshots',
    act: (files) => {
      remove(...snapshotsIn(files))(files)
      change(METADATA_LOG, cutLastBatch)(files)
    },
    clean: stop(/__cluster_metadata-0 lacks the offsets \d+ to \d+, which were there when it was closed/),
    crash: served,
    found: /^problem \/__cluster_metadata-0: the log was closed at offset \d+, and it ends at \d+/,
  },
  {
    name: 'the metadata is gone',
    act: (files) => files.removeDirectory(METADATA),
    clean: stop(/__cluster_metadata-0 has no log, but there is a partition's folder/),
    found: /^problem : there is no metadata log in it/,
  },
  {
    name: 'the newest snapshot of the metadata',
    act: (files) => change(snapshotsIn(files).sort().at(-1)!, flip(100))(files),
    clean: { lines: [/A snapshot of the metadata cannot be used problem=.*\.checkpoint is damaged at byte/] },
    found: /^problem \/__cluster_metadata-0\/.*\.checkpoint: the checksum/,
  },
  {
    name: 'no snapshot of the metadata',
    act: (files) => remove(...snapshotsIn(files))(files),
    clean: served,
    found: undefined,
  },
  ...(
    [
      ['nonsense', '{', /^problem .*quorum-state: it is no JSON/],
      ['empty', '', /^problem .*quorum-state: the file is empty/],
      [
        'an epoch that cannot be',
        '{"leaderEpoch":99999999999}',
        /^problem .*quorum-state: it has no epoch of a leader/,
      ],
    ] as const
  ).map(([name, text, found]) => ({
    name: `quorum-state: ${name}`,
    act: put(`${METADATA}/quorum-state`, text),
    clean: { lines: [/quorum-state is damaged, writing it anew/] },
    found,
  })),
  { name: 'no quorum-state', act: remove(`${METADATA}/quorum-state`), clean: served, found: undefined },
]
