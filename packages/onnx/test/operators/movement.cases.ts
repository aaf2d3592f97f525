// Cases of operators that move elements.
import { constantTensor, int, ints, tensorOf, text } from '../../src/index.ts'
import { type Case, one, unary, X } from './case.ts'

export const movementCases: Case[] = [
  ...[[24], [-1, 4], [0, -1], [2, 1, 3, 4], [0, 0, 2, 2]].map(
    (shape): Case => ({
      name: `Reshape [${shape}]`,
      op: 'Reshape',
      inputs: X,
      build: (g, [x]) => g.op('Reshape', [x!, g.int64(shape)]),
    }),
  ),
  {
    name: 'Reshape to a computed shape',
    op: 'Reshape',
    inputs: X,
    build: (g, [x]) => {
      const size = g.op('Gather', [g.op('Shape', [x!]), g.int64([0])])
      return g.op('Reshape', [x!, g.op('Concat', [size, g.int64([-1])], { axis: int(0) })])
    },
  },
  unary('Flatten', {}, { axis: int(2) }),
  unary('Transpose', {}, { perm: ints([2, 0, 1]) }),
  unary('Transpose'),
  {
    name: 'Squeeze and Unsqueeze',
    op: 'Squeeze',
    inputs: { x: [2, 1, 3] },
    build: (g, [x]) => g.op('Unsqueeze', [g.op('Squeeze', [x!, g.int64([1])]), g.int64([0, -1])]),
  },
  { name: 'Unsqueeze', op: 'Unsqueeze', inputs: X, build: (g, [x]) => g.op('Unsqueeze', [x!, g.int64([1])]) },
  { name: 'Concat', op: 'Concat', inputs: { a: [2, 3], b: [2, 1], c: [2, 2] }, build: one('Concat', { axis: int(1) }) },
  {
    name: 'Concat with a constant part',
    op: 'Concat',
    inputs: { a: [2, 3], b: [2, 1] },
    build: (g, [a, b], type) =>
      g.op('Concat', [a!, g.constant('c', tensorOf(type, [2, 2], [1, 2, 3, 4])), b!], { axis: int(-1) }),
  },
  {
    name: 'Concat with one part that varies',
    op: 'Concat',
    inputs: { a: [2, 3] },
    build: (g, [a], type) => {
      const c = g.constant('c', tensorOf(type, [2, 2], [1, 2, 3, 4]))
      return g.op('Concat', [c, a!, c], { axis: int(1) })
    },
  },
  {
    name: 'Split in sizes',
    op: 'Split',
    inputs: { x: [2, 6] },
    build: (g, [x]) => g.ops('Split', [x!, g.int64([1, 2, 3])], { axis: int(1) }, 3),
  },
  {
    name: 'Split even',
    op: 'Split',
    inputs: { x: [4, 3] },
    build: (g, [x]) => g.ops('Split', [x!], { num_outputs: int(2) }, 2),
  },
  {
    name: 'Slice of two axes',
    op: 'Slice',
    inputs: X,
    build: (g, [x]) => g.op('Slice', [x!, g.int64([1, 0]), g.int64([3, -1]), g.int64([1, -1])]),
  },
  {
    name: 'Slice backwards',
    op: 'Slice',
    inputs: X,
    build: (g, [x]) => g.op('Slice', [x!, g.int64([3]), g.int64([-10]), g.int64([2]), g.int64([-2])]),
  },
  {
    name: 'Slices of a Concat',
    op: 'Slice',
    inputs: { a: [2, 3], b: [2, 4] },
    build: (g, [a, b]) => {
      const all = g.op('Concat', [a!, b!, a!], { axis: int(1) })
      const cut = (from: number, to: number): string =>
        g.op('Slice', [all, g.int64([from]), g.int64([to]), g.int64([1])])
      return [cut(0, 3), cut(4, 6), cut(3, 10), cut(2, 5)]
    },
  },
  {
    name: 'Gather rows',
    op: 'Gather',
    inputs: X,
    build: (g, [x]) =>
      g.op('Gather', [x!, g.constant('i', tensorOf('int64', [2, 2], [2, 0, -1, 1]))], { axis: int(1) }),
  },
  {
    name: 'Gather one',
    op: 'Gather',
    inputs: X,
    build: (g, [x]) => g.op('Gather', [x!, g.scalar('int64', -1)], { axis: int(2) }),
  },
  {
    name: 'GatherElements',
    op: 'GatherElements',
    inputs: { x: [2, 3] },
    build: (g, [x]) =>
      g.op('GatherElements', [x!, g.constant('i', tensorOf('int64', [2, 2], [2, 0, 1, 1]))], { axis: int(1) }),
  },
  { name: 'Expand', op: 'Expand', inputs: { x: [3, 1] }, build: (g, [x]) => g.op('Expand', [x!, g.int64([2, 1, 4])]) },
  { name: 'Tile', op: 'Tile', inputs: { x: [2, 3] }, build: (g, [x]) => g.op('Tile', [x!, g.int64([2, 3])]) },
  {
    name: 'Pad with a constant',
    op: 'Pad',
    inputs: X,
    build: (g, [x], type) => g.op('Pad', [x!, g.int64([0, 1, 0, 0, 0, 2]), g.scalar(type, 5)]),
  },
  {
    name: 'Pad with a varying number',
    op: 'Pad',
    inputs: { x: [2, 3], v: [] },
    build: (g, [x, v]) => g.op('Pad', [x!, g.int64([0, 1, 1, 2]), v!]),
  },
  {
    name: 'Range by start and step',
    op: 'Range',
    inputs: { a: [], d: [] },
    map: (_v, i) => 1 + i,
    build: (g, [a, d], type) => g.op('Range', [a!, g.scalar(type, 6.5), d!]),
  },
  {
    name: 'Unique rows',
    op: 'Unique',
    type: 'float32',
    inputs: { x: [4, 3] },
    build: (g, [x]) => g.op('Unique', [x!], { axis: int(0) }),
  },
  {
    name: 'Pad reflecting',
    op: 'Pad',
    inputs: X,
    build: (g, [x]) => g.op('Pad', [x!, g.int64([0, 1, 2, 0, 1, 1])], { mode: text('reflect') }),
  },
  {
    name: 'Pad on some axes',
    op: 'Pad',
    inputs: X,
    build: (g, [x]) => g.op('Pad', [x!, g.int64([1, 2]), '', g.int64([-1])]),
  },
  ...['DCR', 'CRD'].map(
    (mode): Case => unary('DepthToSpace', { inputs: { x: [2, 8, 2, 3] } }, { blocksize: int(2), mode: text(mode) }),
  ),
  unary('SpaceToDepth', { inputs: { x: [2, 3, 4, 2] } }, { blocksize: int(2) }),
  {
    name: 'squeeze and unsqueeze of a flow',
    op: 'Transpose',
    inputs: { x: [2, 3, 4, 6] },
    build: (g, [x]) => {
      const six = g.op('Reshape', [x!, g.int64([-1, 3, 2, 2, 3, 2])])
      const deep = g.op('Reshape', [
        g.op('Transpose', [six], { perm: ints([0, 1, 3, 5, 2, 4]) }),
        g.int64([-1, 12, 2, 3]),
      ])
      const back = g.op('Reshape', [g.op('Exp', [deep]), g.int64([-1, 3, 2, 2, 2, 3])])
      return [
        deep,
        g.op('Reshape', [g.op('Transpose', [back], { perm: ints([0, 1, 4, 2, 5, 3]) }), g.int64([-1, 3, 4, 6])]),
      ]
    },
  },
  { name: 'Trilu', op: 'Trilu', inputs: { x: [2, 3, 3] }, build: one('Trilu', { upper: int(0) }) },
  {
    name: 'Resize by scales',
    op: 'Resize',
    type: 'float32',
    inputs: { x: [2, 1, 3, 2] },
    build: (g, [x]) =>
      g.op('Resize', [x!, '', g.constant('s', constantTensor('float32', [4], new Float32Array([1, 1, 2, 2])))], {
        mode: text('nearest'),
      }),
  },
  {
    name: 'Resize to sizes',
    op: 'Resize',
    type: 'float32',
    inputs: { x: [2, 1, 3, 2] },
    build: (g, [x]) => g.op('Resize', [x!, '', '', g.int64([2, 1, 5, 4])], { mode: text('linear') }),
  },
]
