import { expect, test } from 'vitest'
import { pinoLogger } from './pino-logger.ts'

const systemError = Object.assign(new Error("EACCES: permission denied, open '/data/a'"), {
  code: 'EACCES',
  syscall: 'open',
})

function logged(format: 'json' | 'pretty', error: Error): string {
  let text = ''
  const logger = pinoLogger('warn', format, (line) => {
    text += line
  })
  logger.error({ directory: '/data', err: error }, 'cannot open the log')
  return text
}

test('of what the operating system says the words are enough', () => {
  expect(logged('pretty', systemError)).toMatch(
    /^[\d:.]+ ERROR cannot open the log directory=\/data err="EACCES: permission denied, open '\/data\/a'"\n$/,
  )
  const { err } = JSON.parse(logged('json', systemError)) as { err: object }
  expect(err).toEqual({ type: 'Error', message: systemError.message, code: 'EACCES', syscall: 'open' })
})

test('of what nobody expected the place is told too', () => {
  const error = new TypeError('oops')
  expect(logged('pretty', error)).toMatch(/err=TypeError: oops\n\s+at /)
  expect(logged('json', error)).toContain('"stack":"TypeError: oops')
})
