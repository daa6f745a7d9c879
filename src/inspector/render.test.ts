import { describe, expect, test } from 'vitest'
import { Explainer } from './explain.ts'
import { regionOf } from './node.ts'
import { renderHtml } from './render-html.ts'
import { nodeToJson } from './render-json.ts'
import { renderTree } from './render-text.ts'
import { catalog } from './test-support/catalog.ts'

const request = '0000001d 0012 0003 00000007 0003 636c69 00 08 6f64726164656b 06 302e312e30 00'
const plain = { color: false, width: 100 }

function explained(hex: string, limit = 100) {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  return new Explainer({ catalog, hints: {}, limit }).explain(regionOf(bytes)).parts[0]!
}

function text(hex: string, options: Partial<Parameters<typeof renderTree>[2]> = {}, limit = 100): string {
  const { root, problem } = explained(hex, limit)
  return renderTree(root, problem, { ...plain, ...options })
}

describe('text', () => {
  test('each field beside its bytes', () => {
    expect(text(request)).toBe(
      `    0  00 00 00 1d              size  29
                                header  RequestHeader
    4  00 12                      requestApiKey  18  ApiVersions
    6  00 03                      requestApiVersion  3
    8  00 00 00 07                correlationId  7
   12  00 03 63 6c 69             clientId  "cli"
   17  00                         tagged fields  none
                                body  ApiVersionsRequest
   18  08 6f 64 72 61 64 65 6b    clientSoftwareName  "odradek"
   26  06 30 2e 31 2e 30          clientSoftwareVersion  "0.1.0"
   32  00                         tagged fields  none
`,
    )
  })

  test('a caret below the first wrong byte, and the sentence below it', () => {
    const lines = text(request.replace('06 302e312e30', '05 302e312e30')).split('\n')
    const at = lines.findIndex((line) => line.startsWith('   26  05'))
    expect(lines.slice(at, at + 4)).toEqual([
      '   26  05 30 2e 31 2e             clientSoftwareVersion  "0.1."',
      '       ^^',
      '       Byte 26 (clientSoftwareVersion): 05 is the length itself; expected 06, the length + 1. Usual',
      '       cause: compact strings, bytes and arrays begin with their length + 1, since 0 stands for null',
    ])
  })

  test('a caret where bytes are missing', () => {
    const lines = text('0000001d 0012 0003 00000007 0003 636c').split('\n')
    expect(lines.slice(-5)).toEqual([
      '   12  00 03 63 6c                clientId',
      '   16                           (nothing)',
      '       ^^',
      '       Byte 16 (header.clientId): the bytes are cut off here; expected 1 byte more.',
      '',
    ])
  })

  test('encodings and meanings', () => {
    const lines = text(request, { withDescriptions: true })
    expect(lines).toContain('compact string, length + 1 as unsigned varint. Which library is')
    expect(lines).not.toContain('string: compact string')
  })

  test('colours', () => {
    expect(text(request, { color: true })).toContain('\u001b[36mclientId\u001b[0m  \u001b[32m"cli"\u001b[0m')
    expect(text(request)).not.toContain('\u001b')
  })

  test('control characters of a peer do not reach the terminal', () => {
    const output = text('0000000e 0012 0000 00000007 0004 1b5bc29b')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not appear
    expect(output).not.toMatch(/[\u001b\u0080-\u009f]/)
  })

  test('long bytes and long arrays are cut, and that is said', () => {
    const topics = Array.from({ length: 5 }, (_, index) => `0002 616${index}`).join('')
    const output = text(
      `0000002f 0003 0000 00000007 0003 636c69 00000005 ${topics}`.replace(
        '0000002f',
        '0000002 5'.replace(' ', ''),
      ),
      {},
      2,
    )
    expect(output).toContain('topics  5 elements')
    expect(output).toContain('... 3 more left out')
  })
})

test('JSON: every node with its place, bytes, encoding and value', () => {
  const { root } = explained(request)
  const json = JSON.parse(JSON.stringify(nodeToJson(root))) as { children: { children: unknown[] }[] }
  expect(json.children[2]!.children[0]).toEqual({
    name: 'clientSoftwareName',
    path: 'clientSoftwareName',
    kind: 'value',
    type: 'string',
    position: 18,
    length: 8,
    bytes: '086f64726164656b',
    encoding: 'compact string, length + 1 as unsigned varint',
    value: 'odradek',
    description: 'Which library is speaking, such as apache-kafka-java or librdkafka.',
  })
})

describe('HTML', () => {
  const page = (hex: string) => renderHtml('a <frame>', [{ ...explained(hex), subtitle: '' }], 'left "out"')

  test('stands alone and links bytes and fields', () => {
    const html = page(request)
    expect(html).not.toMatch(/(src|href)=|@import|url\(/)
    expect(html).toContain('<title>a &lt;frame&gt;</title>')
    expect(html).toContain('prefers-color-scheme: dark')
    const node = /data-n="(\d+)" data-d="clientSoftwareName: byte 18, 8 bytes\n[^"]*"/.exec(html)?.[1]
    expect(html.match(new RegExp(`data-b="${node}"`, 'g'))).toHaveLength(8)
  })

  test('what a peer sent is text and nothing else', () => {
    const html = page('0000001f 0012 0000 00000007 0015 3c7363726970743e616c65727428293c2f623e6262')
    expect(html).toContain('&lt;script&gt;alert()&lt;/b&gt;bb')
    expect(html.match(/<script/g)).toHaveLength(1)
  })

  test('marks the wrong bytes', () => {
    const html = page(request.replace('06 302e312e30', '05 302e312e30'))
    expect(html).toContain('<p class="problem">Byte 26 (clientSoftwareVersion)')
    expect(html.match(/class="wrong"/g)).toHaveLength(1)
  })
})
