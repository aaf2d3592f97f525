// The map example from the command line, small: the same numbers twice, a report with both figures.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'

const script = fileURLToPath(new URL('../run.ts', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'ood-map-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

function example(...args: string[]) {
  const node = ['--import', import.meta.resolve('tsx'), '--conditions=@ood/source', script, 'lid-map', ...args]
  return spawnSync(process.execPath, node, { cwd: work, encoding: 'utf8' })
}

it('maps images and reads their dimensions, repeatably', () => {
  for (const run of ['one', 'two']) {
    const { status, stdout } = example('--n', '40', '--neighbours', '6', '--run', run)
    expect(stdout).toContain('Fashion-MNIST')
    expect(status).toBe(0)
  }
  const [one, two] = ['one', 'two'].map((run) => (file: string) => readFileSync(join(work, 'runs', run, file), 'utf8'))
  for (const file of ['figures/map.svg', 'figures/map-lid.svg']) expect(one!(file)).toBe(two!(file))
  const { lid } = JSON.parse(one!('summary.json'))
  expect(JSON.parse(two!('summary.json')).lid).toEqual(lid)
  // Forty images with six neighbours say little, but no estimate leaves the range of plausible dimensions.
  for (const set of ['fashion-mnist', 'mnist']) {
    expect(lid[set].mle).toBeGreaterThan(1)
    expect(lid[set].mle).toBeLessThan(60)
  }
  expect(one!('report.html').match(/<svg/g)?.length).toBeGreaterThanOrEqual(2)
}, 120_000)

it('refuses too few neighbours in one line', () => {
  const { status, stderr } = example('--neighbours', '2')
  expect(stderr.trim().split('\n').at(-1)).toBe('error: --neighbours: expected a whole number of at least 3, got 2')
  expect(status).toBe(2)
})
