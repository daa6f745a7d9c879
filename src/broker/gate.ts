/** Holds requests back until the broker is ready. */
export class Gate {
  isOpen = false
  #resolve = () => {}
  readonly opened = new Promise<void>((resolve) => {
    this.#resolve = resolve
  })

  open(): void {
    this.isOpen = true
    this.#resolve()
  }
}
