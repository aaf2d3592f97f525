// The results page is what its stored figures say, stored figures are checked, and its commands exist.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseFamily, type ResultFamily, readFamilies } from '../../results/families.ts'
import { headingsOf } from '../../results/links.ts'
import { BEGIN, END, hanleyMcNeil, resultsTable, withResults } from '../../results/table.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const families = readFamilies(join(root, 'docs/results'))

const sample = (): ResultFamily => ({
  title: 'Flow',
  page: 'flows.md',
  runs: [
    {
      command: 'npm run demo',
      date: '2026-01-02',
      n: 100,
      images: 'packaged',
      rows: [
        {
          method: 'LID',
          trained: 'fashion-mnist',
          against: 'mnist',
          inside: 'test',
          auroc: 0.9,
          interval: [0.8, 0.95],
          blind: 'yes',
          headline: true,
        },
        {
          method: 'LID',
          trained: 'mnist',
          against: 'fashion-mnist',
          inside: 'test',
          auroc: 0.8,
          blind: 'no',
          tuning: 'scale',
          headline: true,
        },
        { method: 'hidden', trained: 'mnist', against: 'fashion-mnist', inside: 'test', auroc: 0.5, blind: 'yes' },
        { method: 'LID', trained: 'genome', against: 'others', inside: 'test', auroc: 1, blind: 'yes', headline: true },
      ],
    },
  ],
})

describe('the page', () => {
  it('is what npm run results writes', () => {
    const text = readFileSync(join(root, 'docs/results.md'), 'utf8')
    expect(withResults(text, families)).toBe(text)
  })

  it('gives a reason in docs/tuning.md for every figure that is not blind', () => {
    const headings = headingsOf(readFileSync(join(root, 'docs/tuning.md'), 'utf8'))
    const reasons = families.flatMap(({ runs }) =>
      runs.flatMap(({ rows }) => rows.flatMap(({ tuning }) => tuning ?? [])),
    )
    expect(reasons.filter((heading) => !headings.has(heading))).toEqual([])
    expect(reasons.length).toBeGreaterThan(10)
  })

  it('names commands that package.json has', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    const commands = families.flatMap(({ runs }) => runs.map(({ command }) => command))
    expect(commands.filter((command) => scripts[/^npm run (\S+)/.exec(command)?.[1] ?? ''] === undefined)).toEqual([])
  })
})

it('one line a method, one column a direction, other data apart; rows that are no headline stay out', () => {
  const lines = resultsTable([sample()]).trimEnd().split('\n')
  expect(lines).toHaveLength(7)
  expect(lines[2]).toMatch(
    /^\| \[Flow\]\(results\/flows\.md\) \| LID \| 0\.900 \(0\.800 to 0\.950\) \| 0\.800 \(~0\.\d{3} to 0\.\d{3}\) \| 100 \| yes \/ \[no\]\(tuning\.md#scale\) \|/,
  )
  expect(lines[6]).toContain('| genome -> others | 1.000 | 100 | yes |')
  const twice = sample()
  twice.runs[0]!.rows.push(twice.runs[0]!.rows[0]!)
  expect(() => resultsTable([twice])).toThrow('expected one headline a direction and command, got two')
})

it('the table stands between the markers, and only there', () => {
  const page = `before\n${BEGIN}\nstale\n${END}\nafter\n`
  const once = withResults(page, [sample()])
  expect(once.startsWith(`before\n${BEGIN}\n`) && once.endsWith(`${END}\nafter\n`) && !once.includes('stale')).toBe(
    true,
  )
  expect(withResults(once, [sample()])).toBe(once)
  expect(() => withResults('no markers', [])).toThrow('expected the markers')
})

it.each([
  [(f: ResultFamily) => (f.runs[0]!.rows[0]!.auroc = 1.2), 'row 0 auroc: expected a number in [0, 1], got 1.2'],
  [(f: ResultFamily) => (f.runs[0]!.rows[0]!.interval = [0.1, 0.2]), 'row 0 interval: expected one around the auroc'],
  [(f: ResultFamily) => (f.runs[0]!.rows[0]!.blind = 'no'), 'row 0 tuning: expected a heading exactly where not blind'],
  [(f: ResultFamily) => (f.runs[0]!.n = 0), 'run 0 n: expected a positive whole number, got 0'],
  [(f: ResultFamily) => (f.runs = []), 'x.json runs: expected at least one, got []'],
])('a wrong field is named %#', (spoil, message) => {
  const family = sample()
  spoil(family)
  expect(() => parseFamily(family, 'x.json')).toThrow(message)
})

it('the interval of Hanley and McNeil: their own example, order, and nothing at the ends', () => {
  // Hanley and McNeil 1982, table II: area 0.893, 58 and 51 cases, standard error 0.032 of their formula; with 54 and 54
  // the half-width 1.96 x 0.032 = 0.063 holds to the digits given.
  const [low, high] = hanleyMcNeil(0.893, 54)!
  expect((high - low) / 2).toBeCloseTo(1.96 * 0.032, 2)
  expect(hanleyMcNeil(1, 10)).toBeUndefined()
  expect(hanleyMcNeil(0, 10)).toBeUndefined()
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 0.999, noNaN: true }), fc.integer({ min: 2, max: 10_000 }), (a, n) => {
      const [lower, upper] = hanleyMcNeil(a, n)!
      const [wider, wide] = hanleyMcNeil(a, Math.max(1, Math.floor(n / 2)))!
      expect(0 <= lower && lower <= a && a <= upper && upper <= 1).toBe(true)
      expect(wider <= lower + 1e-12 && wide >= upper - 1e-12).toBe(true)
    }),
  )
})
