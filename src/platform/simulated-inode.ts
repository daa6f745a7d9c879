import { FileBytes } from './memory-files.ts'
import type { SimulatedRandom } from './simulated-random.ts'

/** What a device writes whole or not at all. */
const SECTOR_BYTES = 512

/** A change of a file that is in the page cache, and not on the device for sure. */
type Change =
  | { readonly turn: number; readonly kind: 'write'; readonly bytes: Buffer; readonly position: number }
  | { readonly turn: number; readonly kind: 'truncate'; readonly size: number }

/** What a loss of power does to changes that were not flushed. */
export type LossOfChanges = 'all' | 'tail' | 'any'

/** A file twice: as processes see it, and as it is on the device, with the changes between the two. */
export class SimulatedInode {
  readonly current: FileBytes
  readonly #device: FileBytes
  #changes: Change[] = []
  /** It has a name; else it is gone when nobody has it open any more. */
  isLinked = true

  constructor(bytes?: Buffer) {
    this.current = new FileBytes()
    this.#device = new FileBytes()
    if (!bytes) return
    this.current.write(bytes, 0)
    this.#device.write(bytes, 0)
  }

  get isDirty(): boolean {
    return this.#changes.length > 0
  }

  write(turn: number, bytes: Buffer, position: number): void {
    this.current.write(bytes, position)
    this.#changes.push({ turn, kind: 'write', bytes: Buffer.from(bytes), position })
  }

  truncate(turn: number, size: number): void {
    this.current.truncate(size)
    this.#changes.push({ turn, kind: 'truncate', size })
  }

  /** Changes up to `turn` have reached the device. */
  flush(turn: number): void {
    let count = 0
    for (const change of this.#changes) {
      if (change.turn > turn) break
      applyTo(this.#device, change)
      count++
    }
    this.#changes.splice(0, count)
  }

  /** What is found on the device after power was lost. */
  afterPowerLoss(loss: LossOfChanges, random: SimulatedRandom): Buffer {
    const survivor = new FileBytes()
    survivor.write(this.#device.all(), 0)
    if (loss === 'tail') this.#loseTail(survivor, random)
    else if (loss === 'any') this.#loseAny(survivor, random)
    return survivor.all()
  }

  /** Changes reach the device in order, and the one at which power fails in part. */
  #loseTail(survivor: FileBytes, random: SimulatedRandom): void {
    const kept = random.integer(this.#changes.length + 1)
    for (const change of this.#changes.slice(0, kept)) applyTo(survivor, change)
    const torn = this.#changes[kept]
    if (torn && random.chance(50)) tear(survivor, torn, random)
  }

  /** Pages reach the device in any order. Sizes are kept in a journal: when one was lost, so were those behind it. */
  #loseAny(survivor: FileBytes, random: SimulatedRandom): void {
    let isTruncateLost = false
    for (const change of this.#changes) {
      const fate = random.integer(10)
      if (change.kind === 'truncate') isTruncateLost ||= fate < 4
      if (change.kind === 'truncate' ? !isTruncateLost : fate < 4) applyTo(survivor, change)
      else if (fate < 6) tear(survivor, change, random)
    }
  }
}

function applyTo(file: FileBytes, change: Change): void {
  if (change.kind === 'write') file.write(change.bytes, change.position)
  else file.truncate(change.size)
}

/** Writes the first sectors of a change. */
function tear(file: FileBytes, change: Change, random: SimulatedRandom): void {
  if (change.kind !== 'write') return
  const { bytes, position } = change
  const firstEnd = SECTOR_BYTES - (position % SECTOR_BYTES)
  const sectors = Math.ceil(Math.max(0, bytes.length - firstEnd) / SECTOR_BYTES)
  if (sectors === 0) return
  const length = firstEnd + SECTOR_BYTES * random.integer(sectors)
  file.write(bytes.subarray(0, length), position)
}
