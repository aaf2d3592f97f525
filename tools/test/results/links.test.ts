// Every relative link of the repository's pages leads somewhere, and so do its headings.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { brokenLinks, headingsOf, linksOf } from '../../results/links.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
/** What is not ours or is made; hidden folders (.git, .venv ...) are neither pages of the repository. */
const SKIPPED = new Set(['node_modules', 'dist', 'runs', 'fixtures', 'checkpoints', 'api', 'coverage'])

function* pages(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (SKIPPED.has(entry.name) || entry.name.startsWith('.')) continue
    if (entry.isDirectory()) yield* pages(join(folder, entry.name))
    else if (entry.name.endsWith('.md')) yield join(folder, entry.name)
  }
}

it('links are found outside code only, headings as GitHub names them', () => {
  expect(linksOf('[a](b.md) ![c](d.png "title") `[e](f)`\n```\n[g](h)\n```\n[i](#j)')).toEqual(['b.md', 'd.png', '#j'])
  expect([...headingsOf("# PixelCNN++ and LSTMs\n## Scale of the flow's LID\n## A\n## A\n```\n# no\n```\n")]).toEqual([
    'pixelcnn-and-lstms',
    'scale-of-the-flows-lid',
    'a',
    'a-1',
  ])
})

it('a missing file and a missing heading are broken, an address elsewhere is not followed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ood-links-'))
  writeFileSync(join(folder, 'b.md'), '# There\n')
  writeFileSync(
    join(folder, 'a.md'),
    '[1](b.md) [2](b.md#there) [3](b.md#gone) [4](c.md) [5](https://x.y/z) [6](#here)\n# Here\n',
  )
  expect(brokenLinks(join(folder, 'a.md'))).toEqual(['b.md#gone', 'c.md'])
  rmSync(folder, { recursive: true })
})

it.each([...pages(root)].map((path) => relative(root, path)))('%s', (page) => {
  expect(brokenLinks(join(root, page))).toEqual([])
})
