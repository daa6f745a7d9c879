/** Who sends requests. */
export interface QuotaClient {
  readonly user: string
  /** Empty when the client gives none. */
  readonly clientId: string
}

/** Whom a quota is for: a user, a client id, or a user together with a client id. null stands for the default, undefined for not said. */
export interface LimitedEntity {
  readonly user: string | null | undefined
  readonly clientId: string | null | undefined
}

/** Who shares one quota: all requests of that user, of that client id, or of both. The part that does not matter is empty. */
export interface QuotaShare {
  readonly user: string
  readonly clientId: string
}

/**
 * The limits of one kind of quota, and which of them a client falls under. In this order: user and client id, user and any client id, user,
 * any user and client id, any user and any client id, any user, client id, any client id. Like Kafka it does not look at all of them when
 * only one kind of entity has limits, which decides who shares a quota.
 */
export class QuotaLimits {
  readonly #limits = new Map<string | null | undefined, Map<string | null | undefined, number>>()
  #hasUsers = false
  #hasClientIds = false
  #hasBoth = false

  constructor(limits: Iterable<readonly [LimitedEntity, number]> = []) {
    for (const [entity, limit] of limits) this.#add(entity, limit)
  }

  get isEmpty(): boolean {
    return this.#limits.size === 0
  }

  shareOf({ user, clientId }: QuotaClient): QuotaShare {
    if (!this.#hasUsers && !this.#hasBoth) return { user: '', clientId }
    if (!this.#hasClientIds && !this.#hasBoth) return { user, clientId: '' }
    if (!this.#hasClientIds && !this.#hasUsers) return { user, clientId }
    for (const ofUser of [this.#limits.get(user), this.#limits.get(null)]) {
      if (ofUser?.has(clientId) || ofUser?.has(null)) return { user, clientId }
      if (ofUser?.has(undefined)) return { user, clientId: '' }
    }
    return { user: '', clientId }
  }

  /** Infinity: no limit. */
  of({ user, clientId }: QuotaShare): number {
    if (user === '' && clientId === '') return Number.POSITIVE_INFINITY
    const users = user === '' ? [undefined] : [user, null]
    for (const each of users) {
      const ofUser = this.#limits.get(each)
      const limit = clientId === '' ? ofUser?.get(undefined) : (ofUser?.get(clientId) ?? ofUser?.get(null))
      if (limit !== undefined) return limit
    }
    return Number.POSITIVE_INFINITY
  }

  #add({ user, clientId }: LimitedEntity, limit: number): void {
    let ofUser = this.#limits.get(user)
    if (!ofUser) {
      ofUser = new Map()
      this.#limits.set(user, ofUser)
    }
    ofUser.set(clientId, limit)
    if (user !== undefined && clientId !== undefined) this.#hasBoth = true
    else if (user !== undefined) this.#hasUsers = true
    else this.#hasClientIds = true
  }
}
