// The example that the README makes runs as printed: numbers, files, report.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'ood-readme-'))
// Inside the repository, so that the packages are found; the engine is named by its full path.
const cache = here('../../node_modules/.cache')
mkdirSync(cache, { recursive: true })
const folder = mkdtempSync(join(cache, 'readme-example-'))
afterAll(() => {
  for (const path of [work, folder]) rmSync(path, { recursive: true, force: true })
})

it('"How an example is made" runs', () => {
  const [, code = ''] =
    /```ts\n(\/\/ examples\/my-paper[\s\S]*?)```/.exec(readFileSync(here('../README.md'), 'utf8')) ?? []
  const example = code.replaceAll("'../common/", `'${here('../common')}/`)
  const start = `\nawait main(process.argv.slice(2), new AbortController().signal)\n`
  writeFileSync(join(folder, 'index.mts'), example + start)
  const node = ['--import', import.meta.resolve('tsx'), '--conditions=@ood/source', join(folder, 'index.mts')]
  const args = ['--n', '8', '--workers', '0', '--power', '1']
  const { status, stdout, stderr } = spawnSync(process.execPath, [...node, ...args], { cwd: work, encoding: 'utf8' })
  expect([status, status === 0 ? '' : stderr]).toEqual([0, ''])
  expect(stdout).toContain('report: ')
  const read = (file: string) => readFileSync(join(work, 'runs', 'my-paper', file), 'utf8')
  const { config, auc } = JSON.parse(read('summary.json'))
  expect(config).toEqual({ n: 8, seed: 0, data: 'packaged samples', power: 1 })
  // The paradox: digits are likelier than clothes.
  expect(auc['fmnist->mnist'].inDistr).toBeLessThan(0.5)
  expect(read('flow-mnist/ood/metrics.csv').split('\n')[0]).toBe('oodScore')
  expect(read('report.html').match(/<svg/g)).toHaveLength(2)
}, 120_000)
