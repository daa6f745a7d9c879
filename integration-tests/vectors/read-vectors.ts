import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** A line of a vector file; what else it holds depends on `message`. */
export interface Vector {
  readonly message: string
  readonly [name: string]: unknown
}

/** Reads a file of vectors: one JSON object per line, compressed or not. */
export function readVectors(path: string): Vector[] {
  const bytes = readFileSync(path)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    try {
      return [JSON.parse(line) as Vector]
    } catch (error) {
      throw new Error(`${path}:${index + 1}: ${error instanceof Error ? error.message : error}`)
    }
  })
}
