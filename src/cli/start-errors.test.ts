import { expect, test } from 'vitest'
import { ConfigError } from '../config/config-error.ts'
import { DirectoryLockedError } from '../platform/platform.ts'
import { CommandError } from './host.ts'
import { explainStartError } from './start-errors.ts'

const systemError = (facts: object) => Object.assign(new Error('the system says no'), facts)

test.each([
  [
    systemError({ code: 'EADDRINUSE', syscall: 'listen', address: '127.0.0.1', port: 9092 }),
    'port 9092 of 127.0.0.1 is in use, perhaps by another broker; choose another with --port, 0 takes a free one',
  ],
  [
    systemError({ code: 'EACCES', syscall: 'listen', address: '127.0.0.1', port: 80 }),
    'port 80 of 127.0.0.1 needs more rights than this user has; choose another with --port',
  ],
  [
    systemError({ code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'nowhere' }),
    'nowhere is no address of this machine (ENOTFOUND); choose another with --host',
  ],
  [
    systemError({ code: 'EACCES', syscall: 'mkdir' }),
    'cannot write to the folder /data: the system says no; choose another with --data',
  ],
  [
    systemError({ code: 'ENOTDIR', syscall: 'mkdir' }),
    'cannot use the folder /data: the system says no; choose another with --data',
  ],
  [systemError({ code: 'EIO', syscall: 'read' }), 'cannot use the folder /data: the system says no'],
  [systemError({ code: 'ENOSPC', syscall: 'write' }), 'no space left for /data: the system says no'],
  [new DirectoryLockedError('locked by 7'), 'locked by 7; stop it, or choose another with --data'],
  [new ConfigError('a=b is not allowed'), 'a=b is not allowed'],
])('%s', (error, line) => {
  const explained = explainStartError(error, '/data')
  expect(explained).toBeInstanceOf(CommandError)
  expect(explained).toMatchObject({ message: line, exitCode: 1 })
})

test('what nobody expected comes back as it is', () => {
  const error = new TypeError('oops')
  expect(explainStartError(error, '/data')).toBe(error)
})
