import { describe, expect, test } from 'vitest'
import { parseStartArguments } from './start-options.ts'

const parse = (...args: string[]) => parseStartArguments(args)

test('without arguments everything is left to the properties', () => {
  expect(parse()).toEqual({
    propertiesFile: undefined,
    overrides: [],
    port: undefined,
    host: undefined,
    data: undefined,
    isMemory: false,
    topics: [],
    emulate: undefined,
    isTraced: false,
    logLevel: 'warn',
    logFormat: undefined,
  })
})

test('takes the arguments of kafka-server-start.sh', () => {
  const args = parse('server.properties', '--override', 'num.partitions=3', '--override', 'a.b=c=d')
  expect(args.propertiesFile).toBe('server.properties')
  expect(args.overrides).toEqual(['num.partitions=3', 'a.b=c=d'])
})

test('start is a word that may be left out', () => {
  expect(parse('start', '--emulate', '2.8', '--trace')).toEqual(parse('--trace', '--emulate=2.8'))
  expect(parse('start', '--emulate', '2.8', '--trace')).toMatchObject({
    propertiesFile: undefined,
    emulate: '2.8',
    isTraced: true,
  })
})

test('takes all options, in both spellings', () => {
  const args = parse(
    '--port=0',
    '--host',
    '::1',
    '--data=./logs',
    '--topics',
    'orders:3,users',
    '--log-level=debug',
    '--log-format',
    'json',
  )
  expect(args).toMatchObject({ port: 0, host: '::1', data: './logs', logLevel: 'debug', logFormat: 'json' })
  expect(args.topics).toEqual([
    { name: 'orders', partitions: 3 },
    { name: 'users', partitions: undefined },
  ])
  expect(parse('--memory').isMemory).toBe(true)
})

describe('what it does not understand is a usage error', () => {
  test.each([
    [['--bogus'], 'unknown option --bogus'],
    [['-x'], 'unknown option -x'],
    [['a.properties', 'b.properties'], 'not also "b.properties"'],
    [['topik', 'list'], 'unknown command topik, and no such file: did you mean topic?'],
    [['lists', 'topics'], 'there are topic, group, trace, dump, check, explain, api'],
    [['--port', '1', 'topic', 'list'], 'the command topic has to come first'],
    [['--port', '70000'], '--port is a number from 0 to 65535, not "70000"'],
    [['--port', 'http'], 'not "http"'],
    [['--port', '1', '--port', '2'], '--port is given more than once'],
    [['--log-level', 'loud'], '--log-level is one of trace, debug, info, warn, error, not "loud"'],
    [['--topics', 'orders:0'], 'not "orders:0"'],
    [['--topics', 'a,,b'], 'not ""'],
    [['--memory', '--data', 'x'], 'there is no --data'],
    [['--data='], '--data needs a value'],
    [['--port'], '--port needs a value'],
    [['--memory=yes'], '--memory takes no value'],
  ])('%j', (args, message) => {
    expect(() => parse(...args)).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringContaining(message) }),
    )
  })
})
