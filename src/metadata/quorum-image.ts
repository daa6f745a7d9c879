import type { ControlFacts, Voter } from './control-record.ts'

/** Who keeps the metadata log, as its control records say. */
export class QuorumImage {
  #leaderId = -1
  #kraftVersion = 0
  #voters: readonly Voter[] = []

  /** The active controller, or -1. */
  get leaderId(): number {
    return this.#leaderId
  }

  /** 0: the voters stand in the configuration; 1: in the log, and can change (KIP-853). */
  get kraftVersion(): number {
    return this.#kraftVersion
  }

  /** The voters of the log; empty as long as `kraftVersion` is 0. */
  get voters(): readonly Voter[] {
    return this.#voters
  }

  replay({ leaderId, kraftVersion, voters }: ControlFacts): void {
    this.#leaderId = leaderId ?? this.#leaderId
    this.#kraftVersion = kraftVersion ?? this.#kraftVersion
    this.#voters = voters ?? this.#voters
  }
}
