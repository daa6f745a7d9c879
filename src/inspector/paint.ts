/** Colours of a terminal by what they mark. */
const codes = {
  dim: '2',
  name: '36',
  text: '32',
  number: '33',
  null: '35',
  title: '1',
  problem: '1;31',
} as const

export type Style = keyof typeof codes

export function paint(style: Style, text: string): string {
  return text === '' ? '' : `\u001b[${codes[style]}m${text}\u001b[0m`
}
