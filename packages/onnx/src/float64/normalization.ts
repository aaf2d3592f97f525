// Normalizations in float64, from means and squares of differences.
import { attribute, int } from '../attributes.ts'
import { positiveAxis } from '../infer/dims.ts'
import type { Lowered, Lowering, LoweringTable } from '../lower/lowering-rule.ts'
import { axesFrom, decimal, shapeOf } from './float64-rule.ts'

/** Mean, what is left, and 1 / sqrt(variance + epsilon), over axes that stay as 1. */
function standardize(l: Lowered, x: string, axes: readonly number[], epsilon: number) {
  const { p, g } = l
  const mean = (v: string): string => g.op('ReduceMean', [v, g.int64(axes)], { keepdims: int(1) })
  const center = mean(x)
  const rest = p.sub(x, center)
  const scale = p.un('Reciprocal', p.un('Sqrt', p.add(mean(p.mul(rest, rest)), epsilon)))
  return { center, scale, normal: p.mul(rest, scale) }
}

const instance: Lowering = (l) => {
  const { p, g } = l
  const rank = shapeOf(l, l.x[0]!).length
  const { normal } = standardize(l, l.x[0]!, axesFrom(2, rank), decimal(l, 'epsilon', 1e-5))
  const channels = (v: string): string => g.op('Reshape', [v, g.int64([-1, ...new Array<number>(rank - 2).fill(1)])])
  return [p.add(p.mul(normal, channels(l.x[1]!)), channels(l.x[2]!))]
}

/** The kernel gives mean and scale in float32 only; without them it is left to the kernel. */
const layer: Lowering = (l) => {
  if (l.node.outputs.slice(1).every((name) => name === '')) return undefined
  const { p } = l
  const rank = shapeOf(l, l.x[0]!).length
  const axis = positiveAxis(attribute(l.node, 'axis', 'int', -1), rank)
  const { center, scale, normal } = standardize(l, l.x[0]!, axesFrom(axis, rank), decimal(l, 'epsilon', 1e-5))
  const scaled = p.mul(normal, l.x[1]!)
  return [l.x[2] ? p.add(scaled, l.x[2]) : scaled, center, scale]
}

/** (x - E x) / (sqrt(E x^2 - (E x)^2) + 1e-9). */
const meanVariance: Lowering = (l) => {
  const { p, g } = l
  const x = l.x[0]!
  const axes = attribute(l.node, 'axes', 'ints', [0, 2, 3] as readonly number[])
  const mean = (v: string): string => g.op('ReduceMean', [v, g.int64(axes)], { keepdims: int(1) })
  const rest = p.sub(x, mean(x))
  return [p.div(rest, p.add(p.un('Sqrt', mean(p.mul(rest, rest))), 1e-9))]
}

/** Channels in groups; up to operator set 20 with one scale per group. The engine composes it of float32 parts. */
const group: Lowering = (l) => {
  const { p, g } = l
  const x = l.x[0]!
  const rank = shapeOf(l, x).length
  const inGroups = g.op('Reshape', [x, g.int64([0, attribute(l.node, 'num_groups', 'int', 1), -1])])
  const { normal } = standardize(l, inGroups, [2], decimal(l, 'epsilon', 1e-5))
  const whole = (value: string): string => g.op('Reshape', [value, g.op('Shape', [x])])
  const perGroup = g.opset < 21
  const ones = new Array<number>(perGroup ? 1 : rank - 2).fill(1)
  const [scale, bias] = [l.x[1]!, l.x[2]!].map((v) => g.op('Reshape', [v, g.int64([-1, ...ones])])) as [string, string]
  const scaled = p.add(p.mul(perGroup ? normal : whole(normal), scale), bias)
  return [perGroup ? whole(scaled) : scaled]
}

export const normalizationForms: LoweringTable = {
  GroupNormalization: group,
  InstanceNormalization: instance,
  LayerNormalization: layer,
  MeanVarianceNormalization: meanVariance,
}
