// The reading of imports, the search for circles and the table, on trees made for the purpose.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { circles } from '../../house/circles.ts'
import { floors } from '../../house/floors.ts'
import { importGraph } from '../../house/imports.ts'
import { readPackages } from '../../house/packages.ts'
import { withTable } from '../../house/table.ts'

const root = mkdtempSync(join(tmpdir(), 'ood-house-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
}

it('every form of import counts, words in texts and comments do not', () => {
  write({
    'a/x.ts': [
      "import type { T } from './t.ts'",
      "import { type U, v } from 'node:fs'",
      "export * from './deep/y.ts'",
      "const z = await import('./z.ts')",
      "type W = import('zod').W",
      "// import { no } from './none.ts'",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a file
      "const text = `import './${z}.ts'` + \"import './none.ts'\"",
    ].join('\n'),
    'a/t.ts': '',
    'a/deep/y.ts': "import '../t.ts'",
    'a/z.ts': '',
    'a/node_modules/skipped.ts': "import './none.ts'",
  })
  expect(Object.fromEntries(importGraph(root, ['a', 'absent']))).toEqual({
    'a/x.ts': { files: ['a/t.ts', 'a/deep/y.ts', 'a/z.ts'], modules: ['node:fs', 'zod'] },
    'a/t.ts': { files: [], modules: [] },
    'a/deep/y.ts': { files: ['a/t.ts'], modules: [] },
    'a/z.ts': { files: [], modules: [] },
  })
  write({ 'b/x.ts': "import './none.ts'" })
  expect(() => importGraph(root, ['b'])).toThrow('expected a file to import, got ./none.ts')
})

it('circles are found, also a file that imports itself', () => {
  const graph = new Map([
    ['a', ['b']],
    ['b', ['c']],
    ['c', ['a', 'd']],
    ['d', ['e', 'absent']],
    ['e', ['e']],
    ['f', ['a', 'd']],
  ])
  expect(circles(graph).sort()).toEqual([['a', 'b', 'c'], ['e']])
})

it('two nodes share a circle exactly when each reaches the other', () => {
  const edges = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 20 })
  fc.assert(
    fc.property(edges, (pairs) => {
      const graph = new Map(Array.from({ length: 8 }, (_, i) => [`${i}`, [] as string[]]))
      const reach = Array.from({ length: 8 }, () => new Array<boolean>(8).fill(false))
      for (const [from, to] of pairs) {
        graph.get(`${from}`)!.push(`${to}`)
        reach[from]![to] = true
      }
      for (let k = 0; k < 8; k++)
        for (let i = 0; i < 8; i++) for (let j = 0; j < 8; j++) reach[i]![j] ||= reach[i]![k]! && reach[k]![j]!
      const found = circles(graph)
      for (let i = 0; i < 8; i++)
        for (let j = 0; j < 8; j++) {
          const together = found.some((circle) => circle.includes(`${i}`) && circle.includes(`${j}`))
          expect(together).toBe(reach[i]![j]! && reach[j]![i]!)
        }
    }),
  )
})

it('a floor is one above the highest package it stands on', () => {
  const uses = new Map([
    ['top', ['mid', 'base']],
    ['mid', ['base']],
    ['base', []],
  ])
  expect(Object.fromEntries(floors(uses))).toEqual({ base: 0, mid: 1, top: 2 })
  uses.set('base', ['top'])
  expect(() => floors(uses)).toThrow('got a circle of base, mid, top')
})

it('the table is written from manifests and imports', () => {
  const manifest = (name: string, extra: object): string => JSON.stringify({ name, ...extra })
  write({
    'packages/up/package.json': manifest('@ood/up', {
      dependencies: { '@ood/low': '1', zod: '1', '@types/x': '1' },
      peerDependencies: { vega: '1' },
      peerDependenciesMeta: { vega: { optional: true } },
    }),
    'packages/up/tsconfig.json': '{"references": [{"path": "../low"}]}',
    'packages/up/src/index.ts': "export * from '@ood/low/node'\nimport 'zod/v4'\nimport 'node:fs'",
    'packages/low/package.json': manifest('@ood/low', {}),
    'packages/low/tsconfig.json': '{}',
    'packages/low/src/index.ts': '',
  })
  const packages = readPackages(root)
  expect(packages[1]).toMatchObject({
    name: '@ood/up',
    imports: ['@ood/low', 'zod'],
    references: ['@ood/low'],
    dependencies: ['@ood/low', 'zod', '@types/x', 'vega'],
  })
  const page = (rows: string): string =>
    `before\n\n| floor | package | what it is | runtime dependencies |\n|---|---|---|---|\n${rows}\nafter\n`
  const stale = page('| 0 | `@ood/up` | the upper | |\n| 7 | `@ood/low` | the lower | x |\n')
  const fresh = page('| 0 | `@ood/low` | the lower | none |\n| 1 | `@ood/up` | the upper | zod; optional: vega |\n')
  expect(withTable(stale, packages)).toBe(fresh)
  expect(withTable(fresh, packages)).toBe(fresh)
  expect(() => withTable(page('| 0 | `@ood/up` | x | |\n'), packages)).toThrow('expected a row for @ood/low')
  expect(() => withTable('', packages)).toThrow('expected the table of packages')
})
