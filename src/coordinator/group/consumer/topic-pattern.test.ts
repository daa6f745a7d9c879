import { describe, expect, test } from 'vitest'
import { PatternSyntaxError } from './pattern-syntax.ts'
import { TopicPattern } from './topic-pattern.ts'

// What matches and what is refused, and in which words, was compared with RE2/J over many thousands of patterns.
test.each<[pattern: string, matches: string[], others: string[]]>([
  ['orders', ['orders'], ['orders2', 'my-orders', '']],
  ['', [''], ['a']],
  ['orders-.*', ['orders-', 'orders-eu'], ['orders']],
  ['a|b|', ['a', 'b', ''], ['ab']],
  ['(a|bc)+', ['a', 'abc', 'bcbca'], ['', 'b']],
  ['a{2,3}', ['aa', 'aaa'], ['a', 'aaaa']],
  ['a{2}', ['aa'], ['a', 'aaa']],
  ['a{2,}', ['aa', 'aaaaa'], ['a']],
  ['a{,2}', ['a{,2}'], ['aa']],
  ['[a-c]\\d', ['a1', 'c9'], ['d1', 'ab']],
  ['[^a-c]', ['d', '-'], ['a', '']],
  ['[]a]', [']', 'a'], ['b']],
  ['[a\\-z]', ['a', '-', 'z'], ['b']],
  ['[[:alpha:]_]+', ['aB_'], ['a1']],
  ['[[:^digit:]]', ['a'], ['1']],
  ['\\pL\\p{Lu}\\P{L}', ['aB1'], ['ab1', 'aBc']],
  ['\\Qa.b\\E', ['a.b'], ['axb']],
  ['a\\.b', ['a.b'], ['axb']],
  ['\\x41\\x{62}\\103', ['AbC'], ['abc']],
  ['(?i)orders', ['ORDERS', 'oRdErs'], ['order']],
  ['(?i:a)b', ['Ab', 'ab'], ['AB']],
  ['((?i)a)b', ['Ab'], ['aB']],
  ['(?P<name>a)(?<other>b)(?:c)', ['abc'], ['ab']],
  ['^a$', ['a'], ['^a$']],
  ['\\ba\\b.*', ['a', 'a-b'], ['ab']],
  ['\\Aa\\Bb\\z', ['ab'], ['a']],
  ['.*?', ['', 'anything'], []],
])('%s', (pattern, matches, others) => {
  const compiled = new TopicPattern(pattern)
  expect(matches.filter((name) => !compiled.matches(name))).toEqual([])
  expect(others.filter((name) => compiled.matches(name))).toEqual([])
})

test.each([
  ['(', 'missing closing )'],
  [')', 'unexpected )'],
  ['[a', 'missing closing ]'],
  ['[b-a]', 'invalid character class range'],
  ['[[:none:]]', 'invalid character class range'],
  ['\\p{None}', 'invalid character class range'],
  ['*a', 'missing argument to repetition operator'],
  ['a**', 'invalid nested repetition operator'],
  ['a{2,1}', 'invalid repeat count'],
  ['a{1001}', 'invalid repeat count'],
  ['\\1', 'invalid escape sequence'],
  ['\\', 'trailing backslash at end of expression'],
  ['(?=a)', 'invalid or unsupported Perl syntax'],
  ['(?<!a)', 'invalid or unsupported Perl syntax'],
  ['(?P<a-b>c)', 'invalid named capture'],
  ['((a{1000}){1000}){1000}', 'expression too large'],
])('%s cannot be read: %s', (pattern, reason) => {
  expect(() => new TopicPattern(pattern)).toThrow(new PatternSyntaxError(reason))
})

describe('a pattern that keeps other implementations busy for ever', () => {
  test.each(['(a+)+b', '(a|a)*b', '(a*)*b', '(.*.*.*.*)*b'])('%s', (pattern) => {
    expect(new TopicPattern(pattern).matches('a'.repeat(249))).toBe(false)
  })
})
