import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'integration-tests/**/*.test.ts'],
    // Suites of real clients mostly wait; on a machine of two cores one worker at a time would leave it idle.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    // Only a test that hangs may meet these: a busy machine takes ten times as long as a quiet one, and no test asserts its speed.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
