// Checks a model's vjp against its jvp and against central differences: the same bilinear form u' J v in three ways.
import { jvp, type Model, vjp } from '../src/index.ts'
import { type FloatType, floats, gaussian, numbersOf, openGraph, runGraph, type Values } from './run-graph.ts'

/** Largest errors of u' J v over all pairs of directions, relative to the norms the products are made of. */
export interface Adjoint {
  /** (u' J) v by vjp against u' (J v) by jvp. */
  forward: number
  /** (u' J) v by vjp against u' (f(x + h v) - f(x - h v)) / 2h. */
  differences: number
  /** What the vjp graph gave. */
  cotangents: Values
}

/**
 * For random cotangents u and tangents v. Both sides are sums of products, so an error is measured against
 * |J' u| |v| + |u| |J v| + 1, the size those sums could have without cancellation.
 */
export async function checkAdjoint(
  model: Model,
  feeds: Values,
  options: { wrt: readonly string[]; type: FloatType; k?: number; step?: number | undefined; suffix?: string },
): Promise<Adjoint> {
  const { wrt, type, k = 2, suffix = '_cotangent' } = options
  const h = options.step ?? (type === 'float64' ? 1e-5 : 1e-2)
  const primal = await openGraph(model)
  try {
    const y = await primal.run(feeds)
    const of = model.graph.outputs.filter((o) => o.type.startsWith('float')).map((o) => o.name)
    const u: Values = {}
    for (const [i, name] of of.entries()) u[name + suffix] = gaussian(type, [k, ...y[name]!.shape], 177 + i)
    const v: Values = {}
    for (const [i, name] of wrt.entries()) v[`${name}_tangent`] = gaussian(type, [k, ...feeds[name]!.shape], 77 + i)
    const back = await runGraph(vjp(model, { wrt, of, suffix }), { ...feeds, ...u })
    const forward = await runGraph(jvp(model, { wrt, of }), { ...feeds, ...v })

    const found = { forward: 0, differences: 0 }
    const worst = (key: 'forward' | 'differences', error: number): void => {
      if (!(error <= found[key])) found[key] = error
    }
    for (let j = 0; j < k; j++) {
      const at = (sign: number): Values => {
        const moved = { ...feeds }
        for (const name of wrt) {
          const direction = row(v[`${name}_tangent`], j, k)
          const x = numbersOf(feeds[name])
          moved[name] = floats(
            type,
            feeds[name]!.shape,
            x.map((value, i) => value + sign * h * direction[i]!),
          )
        }
        return moved
      }
      const [above, below] = [await primal.run(at(1)), await primal.run(at(-1))]
      for (let i = 0; i < k; i++) {
        let [left, right, differences, scale] = [0, 0, 0, 1]
        for (const name of wrt) {
          const [a, b] = [row(back[name + suffix], i, k), row(v[`${name}_tangent`], j, k)]
          left += dot(a, b)
          scale += Math.sqrt(dot(a, a) * dot(b, b))
        }
        for (const name of of) {
          const [a, b] = [row(u[name + suffix], i, k), row(forward[`${name}_tangent`], j, k)]
          right += dot(a, b)
          scale += Math.sqrt(dot(a, a) * dot(b, b))
          const low = numbersOf(below[name])
          const slope = numbersOf(above[name]).map((value, n) => (value - low[n]!) / (2 * h))
          differences += dot(a, slope)
        }
        worst('forward', Math.abs(left - right) / scale)
        worst('differences', Math.abs(left - differences) / scale)
      }
    }
    return { ...found, cotangents: back }
  } finally {
    await primal.release()
  }
}

/** One of k equal parts of a value. */
function row(value: Values[string] | undefined, i: number, k: number): number[] {
  const all = numbersOf(value)
  return all.slice((i * all.length) / k, ((i + 1) * all.length) / k)
}

function dot(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Number.NaN
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0)
}

/** The model with every size of its inputs unknown until run time. */
export function relaxed(model: Model): Model {
  const inputs = model.graph.inputs.map((port) => ({
    ...port,
    shape: port.shape?.map((_, axis) => `${port.name}${axis}`),
  }))
  const outputs = model.graph.outputs.map((port) => ({ ...port, shape: undefined }))
  return { ...model, graph: { ...model.graph, inputs, outputs, valueInfo: new Map() } }
}
