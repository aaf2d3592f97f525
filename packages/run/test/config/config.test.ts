// Configuration files as users leave them: what is no YAML is one line.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/index.ts'
import { temporaryFolder } from '../helpers.ts'

const folder = temporaryFolder()
const read = (bytes: string | Uint8Array): unknown => {
  const path = join(folder, 'config.yaml')
  writeFileSync(path, bytes)
  return readConfig(path)
}
const bomb = [
  'a: &a [x,x,x,x,x,x,x,x,x]',
  'b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]',
  'c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]',
  'd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]',
].join('\n')

describe('readConfig', () => {
  it('reads plain YAML, anchors and UTF-8', () => {
    expect(read('n: 3\nname: "Zürich"\nbase: &b [1, 2]\nagain: *b\n')).toEqual({
      n: 3,
      name: 'Zürich',
      base: [1, 2],
      again: [1, 2],
    })
  })

  it.each<[string, string | Uint8Array, RegExp]>([
    ['an alias without an anchor', 'a: *nowhere\n', /expected YAML, got .*[Aa]lias.*nowhere/],
    ['an alias in a list', 'a:\n  - 1\n  - *b\n', /expected YAML, got .*b/],
    ['aliases that multiply', bomb, /expected YAML, got .*alias/],
    ['invalid UTF-8', Uint8Array.of(0x61, 0x3a, 0x20, 0xff, 0xfe, 0x0a), /expected YAML, got .*utf-8/],
    ['brackets without end', `a: ${'['.repeat(60_000)}\n`, /expected YAML, got more than 100 levels/],
    ['brackets that close nothing', `a: [1${']'.repeat(80_000)}\n`, /expected YAML, got one sign/],
    ['dashes without end', `${'- '.repeat(5000)}a\n`, /expected YAML, got more than 100 levels/],
    ['an open quote', 'a: "x\n', /expected YAML, got /],
    ['a key twice', 'a: 1\na: 2\n', /expected YAML, got .*unique/],
    ['an unknown tag', 'a: !!python/object:os.system x\n', /expected YAML, got .*tag/],
    ['two documents', 'a: 1\n---\nb: 2\n', /expected YAML, got /],
  ])('%s is one line', (_, bytes, message) => {
    expect(() => read(bytes)).toThrowError(
      expect.objectContaining({ code: 'E_FILE', message: expect.stringMatching(message) }),
    )
    try {
      read(bytes)
    } catch (error) {
      expect((error as Error).message).not.toContain('\n')
      expect((error as Error).message.length).toBeLessThan(300 + folder.length)
    }
  })

  it('a missing file, a folder', () => {
    expect(() => readConfig(join(folder, 'none.yaml'))).toThrow('none.yaml: expected a configuration file, got nothing')
    expect(() => readConfig(folder)).toThrow(`${folder}: expected a file, got a folder`)
  })
})
