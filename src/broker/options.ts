import type { BrokerConfig } from '../config/broker-config.ts'
import type { RecoveryReport } from '../log/recovery-progress.ts'
import type { Logger } from '../platform/logger.ts'
import type { Platform } from '../platform/platform.ts'
import type { Release } from '../protocol/release.ts'

export interface BrokerOptions {
  readonly config: BrokerConfig
  readonly platform: Platform
  readonly logger: Logger
  /** For a new data directory; an old one has to have the same. Undefined: keep what is there, or draw one. */
  readonly clusterId?: string | undefined
  /** Called about once a second while a recovery after a crash goes on. */
  readonly onRecoveryProgress?: ((report: RecoveryReport) => void) | undefined
  /** Advertise and serve only what a broker of this release would. */
  readonly emulate?: Release | undefined
}
