import {
  COMPRESSION_NAMES,
  compressionName,
  DecompressionError,
  decompress,
  decompressionLimit,
} from '../protocol/compression/compression.ts'
import { lz4Decompress } from '../protocol/compression/lz4.ts'
import { type InspectedNode, type Region, slice } from './node.ts'

/** The name of a codec by its number in the attributes. */
export function codecName(codec: number): string {
  return COMPRESSION_NAMES[codec] ?? `codec ${codec}`
}

/** What comes out of the bytes of a node, or why nothing does. In magic 0 the header checksum of lz4 is another one (KAFKA-3160). */
export function openBlock(
  { region, position, length }: InspectedNode,
  codec: number,
  isMagic0: boolean,
): Region | { readonly reason: string } {
  const bytes = slice(region, position, length)
  try {
    const name = compressionName(codec)
    const content =
      name === 'lz4' ? lz4Decompress(bytes, decompressionLimit(length), !isMagic0) : decompress(name, bytes)
    return { bytes: content, origin: 0, block: { codec: name, region, position, length } }
  } catch (error) {
    if (!(error instanceof DecompressionError)) throw error
    return { reason: error.message }
  }
}
