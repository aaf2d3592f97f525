// Checks a model's jvp against central differences of the model itself.
import type { TensorValue } from '@ood/runtime'
import { jvp, type Model } from '../src/index.ts'
import {
  type FloatType,
  floats,
  gaussian,
  numbersOf,
  openGraph,
  relativeError,
  runGraph,
  type Values,
} from './run-graph.ts'

/** Result of a check: the worst relative error over all outputs and directions, and the tangents themselves. */
export interface Check {
  error: number
  tangents: Values
}

/**
 * Compares `<y>_tangent` for `k` random directions with (f(x + h v) - f(x - h v)) / 2h.
 *
 * Central differences err by h^2 f'''/6 + eps |f| / h. float64: h = 1e-5 gives about 1e-10 for functions of order 1.
 * float32: h = 1e-2 gives about 1e-5 |f|''' + 1e-5 |f|.
 */
export async function checkJvp(
  model: Model,
  feeds: Values,
  options: { wrt: readonly string[]; type: FloatType; k?: number; step?: number },
): Promise<Check> {
  const { wrt, type, k = 3 } = options
  const h = options.step ?? (type === 'float64' ? 1e-5 : 1e-2)
  const derivative = jvp(model, { wrt })
  const directions: Values = {}
  for (const [i, name] of wrt.entries())
    directions[`${name}_tangent`] = gaussian(type, [k, ...feeds[name]!.shape], 77 + i)
  const got = await runGraph(derivative, { ...feeds, ...directions })
  const names = derivative.graph.outputs.map((o) => o.name).filter((name) => name.endsWith('_tangent'))

  const primal = await openGraph(model)
  let error = 0
  try {
    for (let direction = 0; direction < k; direction++) {
      const at = (sign: number): Values => {
        const moved = { ...feeds }
        for (const name of wrt)
          moved[name] = step(type, feeds[name]!, directions[`${name}_tangent`]!, direction, sign * h)
        return moved
      }
      const above = await primal.run(at(1))
      const below = await primal.run(at(-1))
      for (const name of names) {
        const y = name.slice(0, -'_tangent'.length)
        const low = numbersOf(below[y])
        const expected = numbersOf(above[y]).map((v, i) => (v - low[i]!) / (2 * h))
        const all = numbersOf(got[name])
        const mine = all.slice(direction * expected.length, (direction + 1) * expected.length)
        error = Math.max(error, all.length === k * expected.length ? relativeError(mine, expected) : Number.NaN)
      }
    }
  } finally {
    await primal.release()
  }
  return { error, tangents: got }
}

function step(type: FloatType, x: TensorValue, v: TensorValue, direction: number, h: number): TensorValue {
  const size = x.data.length
  return floats(
    type,
    x.shape,
    Array.from({ length: size }, (_, i) => Number(x.data[i]) + h * Number(v.data[direction * size + i])),
  )
}
