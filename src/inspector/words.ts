/** `00 12 7f`; long runs are cut after `most` bytes. */
export function hex(bytes: Buffer, most = 16): string {
  const text = bytes
    .subarray(0, most)
    .toString('hex')
    .replace(/..(?=.)/g, '$& ')
  return bytes.length > most ? `${text} ...` : text
}

/** `1 byte`, `2 bytes`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}

/** Lines of at most so many characters. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return line === '' ? lines : [...lines, line]
}
