// Cases of operators that pick and place elements by index.
import { type GraphBuilder, int, tensorOf, text } from '../../src/index.ts'
import { type Case, spread, X } from './case.ts'

/** An int64 constant of a shape. */
const list = (g: GraphBuilder, shape: readonly number[], values: readonly number[]): string =>
  g.constant(`i${values.length}`, tensorOf('int64', shape, values))

const gatherNd: Case[] = [
  { how: 'elements', shape: [2, 2, 3], at: [0, 2, 3, 1, 0, 0, -1, 1, -2, 0, 0, 0], batch: 0 },
  { how: 'slices', shape: [3, 2], at: [0, 2, 1, -1, 0, 2], batch: 0 },
  { how: 'in batches', shape: [2, 2, 1], at: [2, 0, -1, 1], batch: 1 },
].map(({ how, shape, at, batch }) => ({
  name: `GatherND ${how}`,
  op: 'GatherND',
  inputs: X,
  build: (g, [x]) => g.op('GatherND', [x!, list(g, shape, at)], { batch_dims: int(batch) }),
}))

/** The engine adds and multiplies in both types; max and min want distinct numbers. */
const reductions = ['none', 'add', 'mul', 'max', 'min']

const scatterElements: Case[] = reductions.map((reduction) => ({
  name: `ScatterElements ${reduction}`,
  op: 'ScatterElements',
  inputs: { x: [3, 4], u: [2, 3] },
  ...(reduction.startsWith('m') && reduction !== 'mul' && { map: spread, type: 'float32' as const }),
  build: (g, [x, u]) =>
    g.op(
      'ScatterElements',
      [x!, list(g, [2, 3], reduction === 'none' ? [0, 3, -2, 1, 0, 2] : [0, 3, 0, 1, 1, -1]), u!],
      {
        axis: int(1),
        reduction: text(reduction),
      },
    ),
}))

const scatterNd: Case[] = reductions.flatMap((reduction) =>
  [
    { how: 'slices', data: [4, 3], updates: [2, 3], shape: [2, 1], at: reduction === 'none' ? [1, -1] : [1, 1] },
    {
      how: 'elements',
      data: [3, 2],
      updates: [3],
      shape: [3, 2],
      at: reduction === 'none' ? [0, 1, 2, -2, 1, 1] : [0, 1, 2, -2, 0, 1],
    },
  ].map(
    ({ how, data, updates, shape, at }): Case => ({
      name: `ScatterND ${how} ${reduction}`,
      op: 'ScatterND',
      inputs: { x: data, u: updates },
      ...(reduction.startsWith('m') && reduction !== 'mul' && { map: spread, type: 'float32' as const }),
      build: (g, [x, u]) => g.op('ScatterND', [x!, list(g, shape, at), u!], { reduction: text(reduction) }),
    }),
  ),
)

export const indexingCases: Case[] = [...gatherNd, ...scatterElements, ...scatterNd]
