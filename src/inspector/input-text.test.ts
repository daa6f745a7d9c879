import { describe, expect, test } from 'vitest'
import { decodeText, InputTextError, isText } from './input-text.ts'

const bytes = Buffer.from('001200030000000700036f647200', 'hex')
const only = (text: string) => {
  const { pieces } = decodeText(text)
  expect(pieces).toHaveLength(1)
  return pieces[0]!.bytes
}

describe('forms of text that stand for bytes', () => {
  test.each([
    ['hex', '001200030000000700036f647200'],
    ['capitals and blanks', ' 00 12 00 03 00 00 00 07 00 03 6F 64 72 00\n'],
    ['colons', '00:12:00:03:00:00:00:07:00:03:6f:64:72:00'],
    ['0x of each byte', '0x00, 0x12, 0x00, 0x03, 0x00, 0x00, 0x00, 0x07, 0x00, 0x03, 0x6f, 0x64, 0x72, 0x00'],
    ['0x with one digit', '{0x0, 0x12, 0x0, 0x3, 0x0, 0x0, 0x0, 0x7, 0x0, 0x3, 0x6f, 0x64, 0x72, 0x0}'],
    ['0x of all', '0x001200030000000700036f647200'],
    ['a Buffer of Node.js', '<Buffer 00 12 00 03 00 00 00 07 00 03 6f 64 72 00>'],
    ['escapes', '\\x00\\x12\\x00\\x03\\x00\\x00\\x00\\x07\\x00\\x03\\x6f\\x64\\x72\\x00'],
    ['bytes of Python', "b'\\x00\\x12\\x00\\x03\\x00\\x00\\x00\\x07\\x00\\x03odr\\x00'"],
    ['bytes of Go', '[0 18 0 3 0 0 0 7 0 3 111 100 114 0]'],
    ['base64', 'ABIAAwAAAAcAA29kcgA='],
    ['base64url over two lines', 'ABIAAwAA\nAAcAA29kcgA'],
    ['xxd', '00000000: 0012 0003 0000 0007 0003 6f64 7200       ..........odr.'],
    [
      'hexdump -C',
      '00000000  00 12 00 03 00 00 00 07  00 03 6f 64 72 00        |..........odr.|\n0000000e\n',
    ],
    ['hexdump', '0000000 1200 0300 0000 0700 0300 646f 0072\n000000e\n'],
    ['od', '000000 00 12 00 03 00 00 00 07 00 03 6f 64 72 00\n00000e\n'],
  ])('%s', (_, text) => {
    expect(only(text)).toEqual(bytes)
  })

  test('signed numbers of Java', () => {
    expect(only('[-1, 0, 127, -128]')).toEqual(Buffer.from('ff007f80', 'hex'))
  })

  test('columns of bytes are no dump', () => {
    expect(only('00000000 00000000\n00000001 a20e94a8')).toEqual(
      Buffer.from('000000000000000000000001a20e94a8', 'hex'),
    )
  })

  test('a dump of several lines', () => {
    const text =
      '00000000: 0001 0203 0405 0607 0809 0a0b 0c0d 0e0f  ................\n00000010: 1011                                     ..\n'
    expect(only(text)).toEqual(Buffer.from('000102030405060708090a0b0c0d0e0f1011', 'hex'))
  })
})

test('packets of tcpdump: what each side sent, without what was sent again', () => {
  const ip = '4500 003a 0000 4000 4006 0000 0a00 0001 0a00 0002'
  const tcp = (sequence: string) => `cf08 2384 ${sequence} 0000 0000 5018 ffff 0000 0000`
  const packet = (sequence: string, payload: string) => {
    const words = `${ip} ${tcp(sequence)} ${payload}`.split(' ')
    const lines = Array.from({ length: Math.ceil(words.length / 8) }, (_, row) => {
      const offset = (row * 16).toString(16).padStart(4, '0')
      return `\t0x${offset}:  ${words.slice(row * 8, row * 8 + 8).join(' ')}  ........`
    })
    return `12:00:00.000001 IP 10.0.0.1.53000 > 10.0.0.2.9092: Flags [P.], length 18\n${lines.join('\n')}\n`
  }
  const payload = '0000 000e 0012 0003 0000 0007 0003 6f64 7200'
  const { form, pieces } = decodeText(
    packet('0000 0001', payload) + packet('0000 0001', payload) + packet('0000 0013', payload),
  )
  expect(form).toBe('3 packets of a dump')
  const frame = payload.replaceAll(' ', '')
  expect(pieces).toEqual([
    { label: '10.0.0.1:53000 > 10.0.0.2:9092', bytes: Buffer.from(frame + frame, 'hex') },
  ])
})

describe('what is none of these', () => {
  test.each([
    ['', 'there is nothing to explain: the input is empty'],
    [' \n', 'there is nothing to explain: the input is empty'],
    ['00 12 0', 'the hex has 5 digits: a byte has two, so one is missing or one is too many'],
    ['hello, world!', 'the input is neither hex nor base64: "h" at line 1, column 1'],
    ['00 12\n00 g3 ?', 'the input is neither hex nor base64: "g" at line 2, column 4'],
    [
      '<Buffer 00 12 ... 50 more bytes>',
      'the input ends in "... more bytes": what printed it left the rest out',
    ],
  ])('%j', (text, message) => {
    expect(() => decodeText(text)).toThrow(new InputTextError(message))
  })
})

test('bytes are not taken for text', () => {
  expect(isText(Buffer.from('00 12 äöü\r\n\t'))).toBe(true)
  expect(isText(bytes)).toBe(false)
})
