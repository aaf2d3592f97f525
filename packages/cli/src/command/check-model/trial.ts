// Checks every model has to pass: any batch size, rows that do not see each other, speed.
import { type CallOptions, type NdArray, rowCount, sliceRows, takeRows } from '@ood/core'
import { duration } from '@ood/run'
import { attempt, type Check, judged } from './report.ts'

/** What the checks run on. */
export interface Trial {
  /** One number a row: a log-likelihood, or for a score network what its score says of the row. */
  evaluate(x: NdArray, options: CallOptions & { rows?: number[] }): Promise<ArrayLike<number>>
  /** What `evaluate` gives, in words. */
  what: string
  x: NdArray
}

const seed = 0

/** Batches of 1, 2 and all rows give as many results: nothing in the graphs is baked to one size. */
export function freeBatch({ evaluate, x }: Trial): Promise<Check> {
  const mend = "export with a free batch axis and no constant batch inside: reshape by -1, not by the example's size"
  return attempt('batch', mend, async () => {
    const sizes = [...new Set([1, 2, rowCount(x)])].filter((n) => n <= rowCount(x))
    for (const n of sizes) await evaluate(sliceRows(x, 0, n), { seed, batchSize: n })
    return { state: 'ok', found: `runs on ${sizes.join(', ')} rows at once` }
  })
}

/** A row's result is the same alone, in a batch and in another order: no batch statistics are left in the graphs. */
export function independence({ evaluate, what, x }: Trial): Promise<Check> {
  const mend = 'export in eval mode (model.eval()): batch normalisation by the batch, or dropout, ties rows together'
  return attempt('rows', mend, async () => {
    const n = rowCount(x)
    if (n < 2) return { state: 'note', found: 'one row only: not tried' }
    const rows = Array.from({ length: n }, (_, i) => i)
    const whole = await evaluate(x, { seed, batchSize: n, rows })
    const turned = [...rows].reverse()
    const reversed = await evaluate(takeRows(x, turned), { seed, batchSize: n, rows: turned })
    const alone = await evaluate(x, { seed, batchSize: 1, rows })
    let worst = 0
    for (const i of rows) {
      const size = Math.max(1, Math.abs(whole[i]!))
      worst = Math.max(worst, Math.abs(alone[i]! - whole[i]!) / size, Math.abs(reversed[n - 1 - i]! - whole[i]!) / size)
    }
    // Float32 kernels of different batch sizes sum in different orders: some 1e-7 a step.
    return judged(worst < 1e-4, `${what} alone and in batches differs by ${worst.toExponential(1)} of its size`, mend)
  })
}

/** Seconds a row takes. */
export function speed({ evaluate, what, x }: Trial): Promise<Check> {
  return attempt('speed', 'try fewer rows or another device', async () => {
    const begin = performance.now()
    await evaluate(x, { seed })
    const each = (performance.now() - begin) / rowCount(x)
    return { state: 'ok', found: `${duration(each)} a ${what}, ${rowCount(x)} rows at once` }
  })
}
