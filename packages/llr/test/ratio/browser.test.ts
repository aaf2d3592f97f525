// The package's main entry runs in browsers: no file of the ratio detectors outside `node/` imports from Node.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

it('only ratio/node imports from Node', () => {
  const root = new URL('../../src/ratio/', import.meta.url)
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  const usesNode = files.filter((name) =>
    /from 'node:|from '\.{1,2}\/(\.\.\/)*node\//.test(readFileSync(new URL(name, root), 'utf8')),
  )
  expect(files.length).toBeGreaterThan(15)
  expect(usesNode.sort()).toEqual(['node/files.ts', 'node/load.ts', 'node/save.ts'])
})
