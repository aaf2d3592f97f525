// Cases of reductions, softmaxes and running sums.
import { int } from '../../src/index.ts'
import { type Case, positive, unary, X } from './case.ts'

const reductions: Case[] = 'Sum Mean Max Min Prod L1 L2 SumSquare LogSum LogSumExp'.split(' ').flatMap((kind) =>
  [
    { how: 'last kept', axes: [-1], keep: 1 },
    { how: 'middle', axes: [1], keep: 0 },
    { how: 'two', axes: [0, 2], keep: 0 },
    { how: 'all', axes: undefined, keep: 0 },
  ].map(
    ({ how, axes, keep }): Case => ({
      name: `Reduce${kind} ${how}`,
      op: `Reduce${kind}`,
      inputs: X,
      // Kernels for LogSum exist in float32 only.
      ...(['LogSum', 'L1'].includes(kind) && { type: 'float32' as const }),
      map: positive,
      build: (g, [x]) => g.op(`Reduce${kind}`, axes ? [x!, g.int64(axes)] : [x!], { keepdims: int(keep) }),
    }),
  ),
)

const alongAxis: Case[] = [
  ...[-1, 1].flatMap((axis) =>
    ['Softmax', 'LogSoftmax'].map((op) => unary(op, { name: `${op} ${axis}` }, { axis: int(axis) })),
  ),
  ...[0, 1].flatMap((exclusive) =>
    [0, 1].map(
      (reverse): Case => ({
        name: `CumSum exclusive ${exclusive} reverse ${reverse}`,
        op: 'CumSum',
        inputs: X,
        build: (g, [x]) =>
          g.op('CumSum', [x!, g.scalar('int64', 1)], { exclusive: int(exclusive), reverse: int(reverse) }),
      }),
    ),
  ),
  {
    name: 'TopK',
    op: 'TopK',
    inputs: X,
    build: (g, [x]) => g.ops('TopK', [x!, g.int64([2])], { axis: int(1) }, 2)[0]!,
  },
]

const zeros: Case[] = [
  // One zero in some rows, two in others.
  {
    name: 'ReduceProd with zeros',
    op: 'ReduceProd',
    inputs: { x: [4, 3] },
    map: (v, i) => ([1, 3, 4].includes(i) ? 0 : v),
    build: (g, [x]) => g.op('ReduceProd', [x!, g.int64([1])]),
  },
]

export const reductionCases: Case[] = [...reductions, ...alongAxis, ...zeros]
