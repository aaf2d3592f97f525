// Checks derivatives of a model by numbers: jvp against central differences, vjp against jvp.
import type { Model } from '@ood/onnx'
import { direction, dot, gaussian, moved, norm, type Tensors } from './compare.ts'
import { load, type Runner } from './engine.ts'
import type { Tensor, Value } from './suite.ts'

/** Directions that are tried at once. */
export const DIRECTIONS = 2

/** A model, its derivatives, and where to look. */
export interface Setting {
  readonly wrt: readonly string[]
  readonly of: readonly string[]
  readonly inputs: ReadonlyMap<string, Value>
  /** Outputs of the model itself at the inputs. */
  readonly outputs: Tensors
}

/** Random tangents of the inputs or cotangents of the outputs. */
export function seeds(names: readonly string[], values: ReadonlyMap<string, Value>, seed: number): Map<string, Tensor> {
  return new Map(
    names.map((name, i) => [name, gaussian([DIRECTIONS, ...(values.get(name) as Tensor).shape], seed + 31 * i)]),
  )
}

/** Runs a derivative: primal outputs under their names, derivatives under theirs without suffix. */
export async function derive(
  model: Model,
  inputs: ReadonlyMap<string, Value>,
  stacks: ReadonlyMap<string, Tensor>,
  [into, outOf]: [string, string],
): Promise<{ primal: Map<string, Tensor>; derivative: Map<string, Tensor> }> {
  const runner = await load(model)
  try {
    const all = await runner.run(new Map<string, Value>([...inputs, ...suffixed(stacks, into)]))
    const primal = new Map([...all].filter(([name]) => !name.endsWith(outOf)))
    const derivative = new Map(
      [...all].filter(([name]) => name.endsWith(outOf)).map(([name, v]) => [name.slice(0, -outOf.length), v]),
    )
    return { primal, derivative }
  } finally {
    await runner.release()
  }
}

function suffixed(stacks: ReadonlyMap<string, Tensor>, suffix: string): [string, Tensor][] {
  return [...stacks].map(([name, stack]) => [name + suffix, stack])
}

/** What is wrong with (u' J) v = u' (J v); undefined when nothing is. Skips what is not finite on either side. */
export function adjoint(
  s: Setting,
  v: ReadonlyMap<string, Tensor>,
  u: ReadonlyMap<string, Tensor>,
  forward: Tensors,
  back: Tensors,
  tolerance: number,
): string | undefined {
  for (const name of s.wrt) {
    const expected = [DIRECTIONS, ...(s.inputs.get(name) as Tensor).shape].join()
    const got = back.get(name)?.shape.join()
    if (got !== expected) return `vjp: ${name}: shape [${got}] for [${expected}]`
  }
  for (let j = 0; j < DIRECTIONS; j++)
    for (let k = 0; k < DIRECTIONS; k++) {
      let [left, right, size] = [0, 0, 1]
      for (const name of s.wrt) {
        const [a, b] = [direction(back.get(name)!, j, DIRECTIONS), direction(v.get(name)!, k, DIRECTIONS)]
        left += dot(a, b)
        size += norm(a) * norm(b)
      }
      for (const name of s.of) {
        const [a, b] = [direction(u.get(name)!, j, DIRECTIONS), direction(forward.get(name)!, k, DIRECTIONS)]
        right += dot(a, b)
        size += norm(a) * norm(b)
      }
      if (!Number.isFinite(left) && !Number.isFinite(right)) continue
      if (!(Math.abs(left - right) <= tolerance * size)) return `vjp gives ${left}, jvp ${right} (size ${size})`
    }
  return undefined
}

/**
 * What is wrong with tangents, by (f(x + h v) - f(x - h v)) / 2h. Where the two one-sided quotients differ (a kink), any
 * slope between them is right; where they grow as h shrinks (a jump), where f is not finite, and where slopes along parts
 * of the direction do not add up (several kinks), nothing is asked.
 */
export async function againstDifferences(
  runner: Runner,
  s: Setting,
  v: ReadonlyMap<string, Tensor>,
  tangents: Tensors,
  [h, tolerance, epsilon]: [number, number, number],
): Promise<string | undefined> {
  for (const name of s.of) {
    const expected = [DIRECTIONS, ...s.outputs.get(name)!.shape].join()
    const got = tangents.get(name)?.shape.join()
    if (got !== expected) return `jvp: ${name}: shape [${got}] for [${expected}]`
  }
  for (let k = 0; k < DIRECTIONS; k++) {
    const at = async (step: number): Promise<Tensors> => {
      const feeds = new Map(s.inputs)
      for (const name of s.wrt) feeds.set(name, moved(s.inputs.get(name) as Tensor, v.get(name)!, k, step))
      return runner.run(feeds)
    }
    const [above, below] = [await at(h), await at(-h)]
    let near: [Tensors, Tensors] | undefined
    let parts: (readonly [Tensors, Tensors])[] | undefined
    for (const name of s.of) {
      const [y, hi, lo] = [s.outputs.get(name)!, above.get(name)!, below.get(name)!]
      if (hi.shape.join() !== y.shape.join() || lo.shape.join() !== y.shape.join()) continue
      const mine = direction(tangents.get(name)!, k, DIRECTIONS)
      const quotient = (a: Tensor, b: Tensor, i: number, width: number): number =>
        (Number(a.data[i]) - Number(b.data[i])) / width
      let [steepest, largest] = [1, 0]
      for (let i = 0; i < mine.length; i++) {
        const slope = Math.abs(quotient(hi, lo, i, 2 * h))
        if (Number.isFinite(slope) && slope * h < 1e-3) steepest = Math.max(steepest, slope)
        if (Number.isFinite(Number(y.data[i]))) largest = Math.max(largest, Math.abs(Number(y.data[i])))
      }
      const slack = tolerance * steepest + (epsilon * largest) / h
      for (let i = 0; i < mine.length; i++) {
        const central = quotient(hi, lo, i, 2 * h)
        if (!Number.isFinite(central) || !Number.isFinite(Number(y.data[i]))) continue
        if (Math.abs(mine[i]! - central) <= slack) continue
        if (between(mine[i]!, quotient(y, lo, i, h), quotient(hi, y, i, h), slack)) continue
        near ??= [await at(h / 8), await at(-h / 8)]
        const [nearHi, nearLo] = [near[0].get(name)!, near[1].get(name)!]
        if (between(mine[i]!, quotient(y, nearLo, i, h / 8), quotient(nearHi, y, i, h / 8), 8 * slack)) continue
        if (Math.abs(quotient(nearHi, nearLo, i, h / 4)) > 4 * Math.abs(central)) continue
        parts ??= await partwise(runner, s, v, k, h)
        const slopes = parts.map(
          ([a, b]) => [quotient(a.get(name)!, y, i, h), quotient(y, b.get(name)!, i, h)] as const,
        )
        if (slopes.some(([right, left]) => !(Math.abs(right - left) <= 10 * slack))) continue
        if (!(Math.abs(slopes.reduce((sum, [a, b]) => sum + (a + b) / 2, 0) - central) <= 10 * slack)) continue
        return `jvp: ${name}: ${mine[i]} for ${central} at ${i}`
      }
    }
  }
  return undefined
}

/**
 * Outputs after steps along parts of a direction: the even and the odd elements of each input. Where f is differentiable
 * their slopes agree from both sides and add up to that of the whole; at a corner of several kinks they do not.
 */
async function partwise(
  runner: Runner,
  s: Setting,
  v: ReadonlyMap<string, Tensor>,
  k: number,
  h: number,
): Promise<(readonly [Tensors, Tensors])[]> {
  const found: (readonly [Tensors, Tensors])[] = []
  for (const name of s.wrt)
    for (const parity of [0, 1]) {
      const x = s.inputs.get(name) as Tensor
      const stack = v.get(name)!
      const part = {
        ...stack,
        data: Float64Array.from(stack.data as Float64Array, (n, i) => ((i % x.data.length) % 2 === parity ? n : 0)),
      }
      const at = (step: number): Promise<Tensors> => runner.run(new Map(s.inputs).set(name, moved(x, part, k, step)))
      found.push([await at(h), await at(-h)])
    }
  return found
}

function between(x: number, a: number, b: number, slack: number): boolean {
  return x >= Math.min(a, b) - slack && x <= Math.max(a, b) + slack
}
