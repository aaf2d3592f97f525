// The package runs in browsers: none of its files imports from Node (the PNG codec loads node:zlib when it is called).
import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

it('no file imports from Node', () => {
  const root = new URL('../../src/', import.meta.url)
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  const usesNode = files.filter((name) =>
    /from '(node:|@ood\/[a-z]+\/node)/.test(readFileSync(new URL(name, root), 'utf8')),
  )
  expect(files.length).toBeGreaterThan(30)
  expect(usesNode).toEqual([])
})
