interface TopicRow<Partition> {
  readonly partitions: readonly Partition[]
}

/**
 * Kafka's builders of offset responses: once something was refused before the coordinator was asked, each topic has one row with all its
 * partitions, the refused ones first. When nothing was, the rows stay as they are in the request.
 */
export function mergeRows<Partition, Row extends TopicRow<Partition>>(
  refused: readonly Row[],
  answered: readonly Row[],
  keyOf: (row: Row) => string,
): Row[] {
  if (refused.length === 0) return [...answered]
  const merged = new Map<string, Row>()
  for (const row of [...refused, ...answered]) {
    const key = keyOf(row)
    const known = merged.get(key)
    merged.set(key, known ? { ...known, partitions: [...known.partitions, ...row.partitions] } : row)
  }
  return [...merged.values()]
}
