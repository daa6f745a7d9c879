import { FileTree, Folder } from './file-tree.ts'
import type { SimulatedInode } from './simulated-inode.ts'
import type { SimulatedRandom } from './simulated-random.ts'

type Entry = SimulatedInode | Folder<SimulatedInode>

/** What became of names in a folder, all of it or nothing: undefined for a name that is gone. */
interface NameChange {
  readonly turn: number
  readonly folder: Folder<SimulatedInode>
  readonly entries: readonly (readonly [name: string, entry: Entry | undefined])[]
}

/** Names of files and folders twice: as processes see them, and as they are on the device, with the changes between the two. */
export class SimulatedNames {
  readonly tree: FileTree<SimulatedInode>
  readonly #device = new Map<Folder<SimulatedInode>, Map<string, Entry>>()
  #pending: NameChange[] = []

  constructor(root = new Folder<SimulatedInode>()) {
    this.tree = new FileTree(root)
    this.#noteOnDevice(root)
  }

  #noteOnDevice(folder: Folder<SimulatedInode>): void {
    this.#device.set(folder, new Map(folder.entries))
    for (const entry of folder.entries.values()) if (entry instanceof Folder) this.#noteOnDevice(entry)
  }

  enter(turn: number, path: string, inode: SimulatedInode, call: string): void {
    const { folder, name } = this.tree.place(path, call)
    folder.entries.set(name, inode)
    this.#pending.push({ turn, folder, entries: [[name, inode]] })
  }

  /** One folder; the one above has to be there. */
  makeDirectory(turn: number, path: string): void {
    const { folder, name } = this.tree.place(path, 'mkdir')
    this.tree.makeDirectory(path)
    this.#pending.push({ turn, folder, entries: [[name, folder.entries.get(name)]] })
  }

  remove(turn: number, path: string): void {
    const { folder, name } = this.tree.place(path, 'unlink')
    this.tree.remove(path)
    this.#pending.push({ turn, folder, entries: [[name, undefined]] })
  }

  /** Throws as a file system does; nothing has changed then. */
  rename(turn: number, from: string, to: string): void {
    this.tree.rename(from, to)
    const source = this.tree.place(from, 'rename')
    const target = this.tree.place(to, 'rename')
    const gone = [source.name, undefined] as const
    const there = [target.name, target.folder.entries.get(target.name)] as const
    if (source.folder === target.folder)
      this.#pending.push({ turn, folder: source.folder, entries: [gone, there] })
    else {
      this.#pending.push({ turn, folder: target.folder, entries: [there] })
      this.#pending.push({ turn, folder: source.folder, entries: [gone] })
    }
  }

  /** The device has all changes up to `turn`, or those of one folder. */
  commit(turn: number, folder?: Folder<SimulatedInode>): void {
    const isDone = (change: NameChange) =>
      change.turn <= turn && (folder === undefined || change.folder === folder)
    this.#apply(this.#pending.filter(isDone))
    this.#pending = this.#pending.filter((change) => !isDone(change))
  }

  #apply(changes: readonly NameChange[]): void {
    for (const { folder, entries } of changes) {
      const onDevice = this.#device.get(folder) ?? new Map<string, Entry>()
      this.#device.set(folder, onDevice)
      for (const [name, entry] of entries) {
        if (entry) onDevice.set(name, entry)
        else onDevice.delete(name)
      }
    }
  }

  /**
   * What is found on the device after power was lost. With a journal the end of all changes is lost, without one the end of the changes of
   * each folder. `survivorOf` says what is left of a file.
   */
  afterPowerLoss(
    hasJournal: boolean,
    random: SimulatedRandom,
    survivorOf: (inode: SimulatedInode) => SimulatedInode,
  ): SimulatedNames {
    const journals = hasJournal
      ? [this.#pending]
      : Array.from(new Set(this.#pending.map(({ folder }) => folder)), (folder) =>
          this.#pending.filter((change) => change.folder === folder),
        )
    for (const journal of journals) {
      const { turn } = journal[random.integer(journal.length + 1)] ?? { turn: Number.POSITIVE_INFINITY }
      this.#apply(journal.filter((change) => change.turn < turn))
    }
    const survivors = new Map<SimulatedInode, SimulatedInode>()
    const copy = (folder: Folder<SimulatedInode>): Folder<SimulatedInode> => {
      const copied = new Folder<SimulatedInode>()
      for (const [name, entry] of this.#device.get(folder) ?? []) {
        if (entry instanceof Folder) copied.entries.set(name, copy(entry))
        else {
          const survivor = survivors.get(entry) ?? survivorOf(entry)
          survivors.set(entry, survivor)
          copied.entries.set(name, survivor)
        }
      }
      return copied
    }
    return new SimulatedNames(copy(this.tree.folder('/', 'scandir')))
  }
}
