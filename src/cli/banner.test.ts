import { expect, test } from 'vitest'
import { banner, readyLine } from './banner.ts'

const ready = {
  version: '1.2.3',
  readyMs: 38.4,
  listeners: [
    { host: '127.0.0.1', port: 9092 },
    { host: '::', port: 19092 },
    { host: '::1', port: 29092 },
  ],
  data: '/home/you/app/.odradek',
}

test('a script reads one line, with addresses that can be dialled', () => {
  expect(readyLine(ready)).toBe(
    'Odradek ready in 38 ms kafka=127.0.0.1:9092,127.0.0.1:19092,[::1]:29092 data=/home/you/app/.odradek\n',
  )
  expect(readyLine({ ...ready, data: undefined })).toMatch(/ data=memory\n$/)
})

test('a person reads a banner', () => {
  expect(banner(ready, false)).toBe(`
  Odradek 1.2.3  ready in 38 ms

  ➜  Kafka  127.0.0.1:9092
  ➜  Kafka  127.0.0.1:19092  on all addresses
  ➜  Kafka  [::1]:29092
  ➜  Data   /home/you/app/.odradek
  ➜  Stop   Ctrl-C

`)
  expect(banner({ ...ready, data: undefined }, false)).toContain('in memory')
  expect(banner(ready, true)).toContain('\u001b[')
})
