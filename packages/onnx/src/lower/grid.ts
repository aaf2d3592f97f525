// Sampling an image at the points of a grid: gathers of the neighbours, weighted by how near they are.
import { attribute, int, ints } from '../attributes.ts'
import { count } from '../tensors.ts'
import { type Lowered, type Lowering, shapeOf, size, unsupported } from './lowering-rule.ts'

/** Free parameter of the cubic kernel, as every framework takes it. */
const CUBIC = -0.75

/** One neighbour along one axis: where it is, its weight, and whether it lies inside (undefined: certainly). */
interface Neighbour {
  readonly index: string
  readonly weight: string | undefined
  readonly inside: string | undefined
}

/** GridSample in 2D and 3D. */
export const gridSample: Lowering = (l) => {
  const { g, x } = l
  const [, , ...sizes] = shapeOf(l, x[0]!).map((n, axis) => (axis < 2 ? 0 : size(l, n, 'image size')))
  const dims = sizes.length
  const strides = sizes.map((_, axis) => count(sizes.slice(axis + 1)))
  // Points as [N, Q, dims]; coordinates run x, y(, z), the last image axis first.
  const points = g.op('Reshape', [x[1]!, g.int64([0, -1, dims])])
  const axes = sizes.map((n, axis) => {
    const at = g.op('Gather', [points, g.scalar('int64', dims - 1 - axis)], { axis: int(2) })
    return neighbours(l, at, n)
  })
  const flat = g.op('Reshape', [x[0]!, g.int64([0, 0, -1])])
  const pixels = g.op('Transpose', [flat], { perm: ints([0, 2, 1]) })
  const parts = combinations(axes).map((corner) => sample(l, pixels, corner, strides))
  const sum = parts.reduce((a, b) => l.p.add(a, b))
  const channelsFirst = g.op('Transpose', [sum], { perm: ints([0, 2, 1]) })
  const head = g.op('Slice', [g.op('Shape', [x[0]!]), g.int64([0]), g.int64([2])])
  const places = g.op('Slice', [g.op('Shape', [x[1]!]), g.int64([1]), g.int64([1 + dims])])
  return [g.op('Reshape', [channelsFirst, g.op('Concat', [head, places], { axis: int(0) })])]
}

/** Pixels [N, P, C] at one neighbour of each point, weighted: [N, Q, C]. */
function sample(l: Lowered, pixels: string, corner: readonly Neighbour[], strides: readonly number[]): string {
  const { g, p } = l
  const position = corner
    .map(({ index }, axis) => g.op('Mul', [index, g.scalar('int64', strides[axis]!)]))
    .reduce((a, b) => g.op('Add', [a, b]))
  const value = g.op('GatherND', [pixels, g.op('Unsqueeze', [position, g.int64([2])])], { batch_dims: int(1) })
  const weights = corner.flatMap(({ weight, inside }) => [
    ...(weight ? [weight] : []),
    ...(inside ? [p.mask(inside)] : []),
  ])
  if (weights.length === 0) return value
  const weight = weights.reduce((a, b) => p.mul(a, b))
  return p.mul(value, g.op('Unsqueeze', [weight, g.int64([2])]))
}

function combinations(axes: readonly (readonly Neighbour[])[]): Neighbour[][] {
  return axes.reduce<Neighbour[][]>((all, one) => all.flatMap((corner) => one.map((n) => [...corner, n])), [[]])
}

/** The neighbours of coordinates in [-1, 1] along an axis of n pixels. */
function neighbours(l: Lowered, at: string, n: number): Neighbour[] {
  const { p, node } = l
  const corners = attribute(node, 'align_corners', 'int', 0) === 1
  const padding = attribute(node, 'padding_mode', 'string', 'zeros')
  const mode = attribute(node, 'mode', 'string', 'linear')
  const scaled = p.mul(p.add(at, 1), corners ? (n - 1) / 2 : n / 2)
  const position = corners ? scaled : p.sub(scaled, 0.5)
  const [low, high] = corners ? [0, n - 1] : [-0.5, n - 0.5]
  const folded = (x: string): string => (padding === 'reflection' ? reflect(l, x, low, high) : x)
  const within = (x: string): string =>
    padding === 'zeros' ? x : l.g.op('Clip', [folded(x), l.g.scalar(l.type, 0), l.g.scalar(l.type, n - 1)])
  const pixel = (whole: string, weight: string | undefined): Neighbour =>
    pixelAt(l, whole, weight, n, padding === 'zeros')

  if (mode === 'nearest') return [pixel(p.un('Round', within(position)), undefined)]
  if (mode === 'linear' || mode === 'bilinear') {
    const x = within(position)
    const left = p.un('Floor', x)
    const right = p.sub(x, left)
    return [pixel(left, p.sub(1, right)), pixel(p.add(left, 1), right)]
  }
  if (mode !== 'cubic' && mode !== 'bicubic') throw unsupported(l, `a known mode, but it has ${mode}: one`)
  const left = p.un('Floor', position)
  const t = p.sub(position, left)
  const weights = [far(l, p.add(t, 1)), near(l, t), near(l, p.sub(1, t)), far(l, p.sub(2, t))]
  return weights.map((weight, i) => pixel(within(p.add(left, i - 1)), weight))
}

/** A pixel by its whole number, outside ones moved to the edge; with zeros around the image they do not count. */
function pixelAt(l: Lowered, whole: string, weight: string | undefined, n: number, zeros: boolean): Neighbour {
  const { g, p } = l
  const clipped = g.op('Clip', [whole, g.scalar(l.type, 0), g.scalar(l.type, n - 1)])
  const index = g.op('Cast', [clipped], { to: int(7) })
  return { index, weight, inside: zeros ? p.test('Equal', whole, clipped) : undefined }
}

/** Coordinates mirrored at both ends until they lie between them. */
function reflect(l: Lowered, x: string, low: number, high: number): string {
  const { p } = l
  const span = high - low
  if (span === 0) return p.mul(x, 0)
  const distance = p.un('Abs', p.sub(x, low))
  const turns = p.un('Floor', p.div(distance, span))
  const rest = p.sub(distance, p.mul(turns, span))
  const half = p.mul(turns, 0.5)
  const even = p.test('Equal', half, p.un('Floor', half))
  return p.where(even, p.add(rest, low), p.sub(high, rest))
}

/** The cubic kernel within one pixel. */
function near({ p }: Lowered, x: string): string {
  const inner = p.sub(p.mul(CUBIC + 2, x), CUBIC + 3)
  return p.add(p.mul(inner, p.mul(x, x)), 1)
}

/** The cubic kernel between one and two pixels away. */
function far({ p }: Lowered, x: string): string {
  const inner = p.add(p.mul(p.sub(p.mul(CUBIC, x), 5 * CUBIC), x), 8 * CUBIC)
  return p.sub(p.mul(inner, x), 4 * CUBIC)
}
