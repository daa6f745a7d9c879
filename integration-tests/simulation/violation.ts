/** A promise that the broker broke. `rule` names it, so that a shorter history can be told to break the same one. */
export class Violation extends Error {
  override readonly name = 'Violation'
  readonly rule: string

  constructor(rule: string, facts: string) {
    super(`${rule}: ${facts}`)
    this.rule = rule
  }
}
