import { DATA } from '../../log/test-support/storage.ts'
import { MemoryFiles } from '../../platform/memory-files.ts'
import { buildBatch } from '../../protocol/batch-builder.ts'
import { FeatureLevelRecord } from '../../protocol/generated/metadata-records.ts'
import {
  type ControlRecord,
  quorumRecords,
  snapshotFooter,
  snapshotHeader,
  type Voter,
} from '../control-record.ts'
import { encodeMetadataRecords, type MetadataRecord, metadataRecord } from '../metadata-record.ts'
import { snapshotName } from '../metadata-snapshot.ts'

export const DIRECTORY_ID = 'fGzHe-d_S0CkFuBlPSQqxQ'

export interface Format {
  /** Levels that the tool was told; `metadata.version` is among them. */
  readonly levels?: Readonly<Record<string, number>>
  /** What else the cluster shall begin with. */
  readonly records?: readonly MetadataRecord[]
  /** Set for a `kraft.version` of 1. */
  readonly voters?: readonly Voter[]
}

/** A directory as Apache Kafka's tool leaves it for node 1: identity, what a cluster begins with, and who votes. */
export function formattedDirectory({ levels = {}, records = [], voters }: Format): MemoryFiles {
  const files = new MemoryFiles()
  const folder = `${DATA}/__cluster_metadata-0`
  files.makeDirectory(folder)
  const meta = ['cluster.id=cluster', `directory.id=${DIRECTORY_ID}`, 'node.id=1', 'version=1']
  files.replace(`${DATA}/meta.properties`, meta.join('\n'))
  const features = Object.entries(levels).map(([name, featureLevel]) =>
    metadataRecord(FeatureLevelRecord, { name, featureLevel }),
  )
  files.replace(`${DATA}/bootstrap.checkpoint`, snapshot([], [...features, ...records]))
  if (voters) files.replace(`${folder}/${snapshotName(0n, 0)}`, snapshot(quorumRecords(1, voters), []))
  return files
}

/** One of the voters of such a directory. */
export function voter(voterId = 1, voterDirectoryId = DIRECTORY_ID): Voter {
  return {
    voterId,
    voterDirectoryId,
    endpoints: [{ name: 'CONTROLLER', host: '127.0.0.1', port: 9093 }],
    kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
  }
}

function snapshot(quorum: readonly ControlRecord[], records: readonly MetadataRecord[]): Buffer {
  const values = encodeMetadataRecords(records).map((value) => ({ key: null, value }))
  return Buffer.concat([
    batch(0, [snapshotHeader(0n), ...quorum], true),
    ...(values.length > 0 ? [batch(1 + quorum.length, values, false)] : []),
    batch(1 + quorum.length + values.length, [snapshotFooter()], true),
  ])
}

function batch(
  baseOffset: number,
  records: readonly { key: Buffer | null; value: Buffer }[],
  isControl: boolean,
): Buffer {
  return buildBatch({
    baseOffset: BigInt(baseOffset),
    leaderEpoch: 0,
    isControl,
    records: records.map((each) => ({ ...each, headers: [], timestamp: 1n })),
  })
}
