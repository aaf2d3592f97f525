// The code in docs/jvp.md runs, and prints what the text says it does.
import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const page = readFileSync(new URL('../../../docs/jvp.md', import.meta.url), 'utf8')
const blocks = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1]!)

/** Everything the page prints, one list a `console.log`. */
function printed(): unknown[][] {
  const { outputText } = ts.transpileModule(blocks.join('\n'), { compilerOptions: { target: ts.ScriptTarget.ES2022 } })
  const lines: unknown[][] = []
  new Function('console', outputText)({ log: (...values: unknown[]) => lines.push(values) })
  return lines
}

describe('docs/jvp.md', () => {
  const [value, columns, region, products] = printed() as [number[][], number[][], number[], number[]]

  it('computes y = h sigmoid(h) with h = W x', () => {
    const h = [-3, 6.5]
    h.forEach((v, i) => {
      expect(value[0]![i]).toBeCloseTo(v / (1 + Math.exp(-v)), 12)
    })
  })

  it('has the columns of the Jacobian', () => {
    const slope = (v: number): number => {
      const s = 1 / (1 + Math.exp(-v))
      return s + v * s * (1 - s)
    }
    const W = [
      [1, -2],
      [0.5, 3],
    ]
    for (const [j, column] of columns.entries())
      for (const [i, got] of column.entries()) expect(got).toBeCloseTo(slope([-3, 6.5][i]!) * W[i]![j]!, 12)
  })

  // Central differences with h = 1e-6: 1e-10 of rounding.
  it('has a region equal to central differences', () => {
    expect(region[0]).toBeCloseTo(region[1]!, 8)
  })

  it('has a transpose that is one', () => {
    expect(products[0]).toBeCloseTo(products[1]!, 12)
    expect(Math.abs(products[0]!)).toBeGreaterThan(0.1)
  })
})
