// Small classifiers as ONNX graphs, in every form that exporters give a linear head.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { constantTensor, float, type GraphBuilder, graphBuilder, int, ints, writeModel } from '@ood/onnx'

/** W [3, 2] row-major and b. */
export const WEIGHT = [1, 2, -3, 4, 0.5, -1]
export const BIAS = [0.1, -0.2, 0.3]

/** W transposed, [2, 3]: as products of rows need it. */
const TURNED = [1, -3, 0.5, 2, 4, -1]

const floats = (shape: number[], values: readonly number[]) =>
  constantTensor('float32', shape, Float32Array.from(values))

/** Features tanh(x) of rows [N, 2], and logits of them by `head`. */
export function classifierGraph(
  head: (g: GraphBuilder, features: string) => string,
  options: {
    batch?: number | string
    output?: string
    more?: (g: GraphBuilder, logits: string, features: string) => void
  } = {},
): string {
  const { batch = 'N', output = 'y', more } = options
  const g = graphBuilder()
  const x = g.input('x', 'float32', [batch, 2])
  const features = g.op('Tanh', [x])
  const logits = head(g, features)
  g.output(output, logits)
  more?.(g, logits, features)
  const file = join(mkdtempSync(join(tmpdir(), 'ood-classifier-')), 'net.onnx')
  writeFileSync(file, writeModel(g.model()))
  return file
}

const bias = (g: GraphBuilder): string => g.constant('b', floats([3], BIAS))

/** Forms of the same head. */
export const heads: Readonly<Record<string, (g: GraphBuilder, features: string) => string>> = {
  'Gemm of a transposed weight': (g, f) =>
    g.op('Gemm', [f, g.constant('w', floats([3, 2], WEIGHT)), bias(g)], { transB: int(1) }),
  'Gemm with alpha and beta': (g, f) =>
    g.op(
      'Gemm',
      [
        f,
        g.constant(
          'w',
          floats(
            [2, 3],
            TURNED.map((v) => v / 2),
          ),
        ),
        g.constant(
          'b',
          floats(
            [3],
            BIAS.map((v) => v * 4),
          ),
        ),
      ],
      { alpha: float(2), beta: float(0.25) },
    ),
  'MatMul and Add': (g, f) => g.op('Add', [g.op('MatMul', [f, g.constant('w', floats([2, 3], TURNED))]), bias(g)]),
  'Add with the bias in front': (g, f) =>
    g.op('Add', [bias(g), g.op('MatMul', [f, g.constant('w', floats([2, 3], TURNED))])]),
  'MatMul by a Transpose': (g, f) =>
    g.op('Add', [
      g.op('MatMul', [f, g.op('Transpose', [g.constant('w', floats([3, 2], WEIGHT))], { perm: ints([1, 0]) })]),
      bias(g),
    ]),
  'a softmax at the end': (g, f) =>
    g.op('Softmax', [g.op('Gemm', [f, g.constant('w', floats([3, 2], WEIGHT)), bias(g)], { transB: int(1) })], {
      axis: int(1),
    }),
  'a dropout and an identity between': (g, f) =>
    g.op('Identity', [g.op('Gemm', [g.op('Dropout', [f]), g.constant('w', floats([2, 3], TURNED)), bias(g)])]),
}
