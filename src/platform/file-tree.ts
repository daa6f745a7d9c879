const DOT = 0x2e
const SLASH = 0x2f
const BACKSLASH = 0x5c

/** A folder: its entries by name. */
export class Folder<File> {
  readonly entries = new Map<string, File | Folder<File>>()
}

/** Names and folders of files that live in memory. What a file is does not matter here. Fails as a file system does, with Node's codes. */
export class FileTree<File extends object> {
  readonly #root: Folder<File>

  constructor(root = new Folder<File>()) {
    this.#root = root
  }

  /** What is at a path; undefined when there is nothing. */
  find(path: string): File | Folder<File> | undefined {
    return this.#walk(path, path.length)
  }

  /** What the first characters of a path lead to. Makes no list of names on the way: everything that is done to a file begins here. */
  #walk(path: string, end: number): File | Folder<File> | undefined {
    let at: File | Folder<File> | undefined = this.#root
    for (let from = 0; from < end; ) {
      const to = nameEnd(path, from, end)
      if (isName(path, from, to)) {
        if (!(at instanceof Folder)) return undefined
        at = at.entries.get(path.slice(from, to))
      }
      from = to + 1
    }
    return at
  }

  /** The file at a path; undefined when there is nothing. Throws EISDIR for a folder. */
  file(path: string, call: string): File | undefined {
    const found = this.find(path)
    if (found instanceof Folder) throw fileError('EISDIR', call, path)
    return found
  }

  /** The folder at a path; throws ENOENT. */
  folder(path: string, call: string): Folder<File> {
    const found = this.find(path)
    if (!(found instanceof Folder)) throw fileError('ENOENT', call, path)
    return found
  }

  /** Puts a file at a path, in the place of one that is there. Throws ENOENT without a folder for it. */
  enter(path: string, file: File, call: string): void {
    const { folder, name } = this.place(path, call)
    folder.entries.set(name, file)
  }

  /** Makes a folder and those above it; one that is there is no error. */
  makeDirectory(path: string): void {
    let at = this.#root
    for (const name of namesOf(path)) {
      let next = at.entries.get(name)
      if (next === undefined) {
        next = new Folder<File>()
        at.entries.set(name, next)
      } else if (!(next instanceof Folder)) throw fileError('EEXIST', 'mkdir', path)
      at = next
    }
  }

  /** Takes out a file, or a folder with all in it; nothing happens when there is none. */
  remove(path: string): void {
    const { from, to } = lastName(path)
    const folder = this.#walk(path, from)
    if (to > from && folder instanceof Folder) folder.entries.delete(path.slice(from, to))
  }

  rename(from: string, to: string): void {
    const moved = this.find(from)
    if (moved === undefined) throw fileError('ENOENT', 'rename', from)
    const target = this.place(to, 'rename')
    const replaced = target.folder.entries.get(target.name)
    if (moved instanceof Folder && replaced instanceof Folder && replaced.entries.size > 0)
      throw fileError('ENOTEMPTY', 'rename', to)
    if (!(moved instanceof Folder) && replaced instanceof Folder) throw fileError('EISDIR', 'rename', to)
    this.remove(from)
    target.folder.entries.set(target.name, moved)
  }

  /** All files of a folder and those below it, or the file at the path. */
  *files(path = '/'): Generator<File> {
    const found = this.find(path)
    if (found === undefined) return
    if (!(found instanceof Folder)) yield found
    else for (const name of found.entries.keys()) yield* this.files(`${path}/${name}`)
  }

  /** The folder that a path is in, and its name there; throws ENOENT when there is no such folder. */
  place(path: string, call: string): { folder: Folder<File>; name: string } {
    const { from, to } = lastName(path)
    if (to === from) throw fileError('EISDIR', call, path)
    const folder = this.#walk(path, from)
    if (!(folder instanceof Folder)) throw fileError('ENOENT', call, path)
    return { folder, name: path.slice(from, to) }
  }
}

/** An error as Node's own file functions throw it. */
export function fileError(code: string, syscall: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${syscall} '${path}'`), { code, syscall, path })
}

function namesOf(path: string): string[] {
  return path.split(/[/\\]/).filter((part) => part !== '' && part !== '.')
}

function nameEnd(path: string, from: number, end: number): number {
  let to = from
  while (to < end && !isSeparator(path, to)) to++
  return to
}

/** Where the last name of a path begins and ends: at the same place when it has none. */
function lastName(path: string): { from: number; to: number } {
  for (let to = path.length; to > 0; ) {
    let from = to
    while (from > 0 && !isSeparator(path, from - 1)) from--
    if (isName(path, from, to)) return { from, to }
    to = from - 1
  }
  return { from: 0, to: 0 }
}

/** Nothing and `.` are none. */
function isName(path: string, from: number, to: number): boolean {
  return to > from && !(to === from + 1 && path.charCodeAt(from) === DOT)
}

function isSeparator(path: string, at: number): boolean {
  const code = path.charCodeAt(at)
  return code === SLASH || code === BACKSLASH
}
