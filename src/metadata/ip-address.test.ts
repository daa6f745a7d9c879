import { expect, test } from 'vitest'
import { isIpAddress } from './ip-address.ts'

test('what Java takes as an address without asking a name server', () => {
  for (const text of [
    '127.0.0.1',
    '10.1',
    '1234',
    '10.0.65535',
    '4294967295',
    '::1',
    'fe80::1',
    '::ffff:10.0.0.1',
    'localhost',
  ]) {
    expect([text, isIpAddress(text)]).toEqual([text, true])
  }
  for (const text of [
    '10.0.0.256',
    '256.1',
    '1.2.3.4.5',
    '4294967296',
    '',
    ':',
    '1:2',
    '::g',
    'no.such.host',
    '0x7f.1',
    '-1',
    '1..2',
  ]) {
    expect([text, isIpAddress(text)]).toEqual([text, false])
  }
})
