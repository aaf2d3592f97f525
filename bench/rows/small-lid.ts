// Model-free estimators of small data on one thread, in processor time, against numba-compiled forms of the definitions.
import { normals, random, tensor } from '@ood/core'
import { writeNpy } from '@ood/datasets'
import { corrInt, findNeighbours, lpca, lpcaGlobal, mindMl, mle, twoNn } from '@ood/lid'
import { measure, round } from '../measure.ts'
import type { Context, Measured, Row } from '../types.ts'

type Points = ReturnType<typeof tensor>

interface Work {
  /** Name on both sides. */
  name: string
  label: string
  dimensions: number
  /** Neighbours that the search finds; 0 without a search. */
  k: number
  run(x: Points): unknown
  /** Numbers to compare with the peer's. */
  numbers(result: never): Iterable<number>
}

const one = (value: number): number[] => [value]
const pointwise = ({ lid }: { lid: Float64Array }): Float64Array => lid
/** About a thousand of the distances, as the peer picks them. */
const distances = ({ distances: all }: { distances: Float64Array }): Float64Array =>
  all.filter((_, at) => at % Math.max(1, Math.floor(all.length / 1000)) === 0)
const search = (dimensions: number, k: number): Work => ({
  name: 'search',
  label: `neighbour search, k = ${k}`,
  dimensions,
  k,
  run: (x) => findNeighbours(x, k),
  numbers: distances,
})

const works: readonly Work[] = [
  { name: 'twoNn', label: 'TwoNN', dimensions: 20, k: 2, run: (x) => twoNn(x), numbers: one },
  {
    name: 'mle',
    label: 'MLE, k = 20',
    dimensions: 20,
    k: 20,
    run: (x) => mle(x, { neighbours: 20 }),
    numbers: pointwise,
  },
  { name: 'corrInt', label: 'CorrInt', dimensions: 20, k: 20, run: (x) => corrInt(x), numbers: one },
  { name: 'mind', label: 'MiND MLk', dimensions: 20, k: 21, run: (x) => mindMl(x, { k: 20 }), numbers: one },
  {
    name: 'lpca',
    label: 'lPCA, k = 100',
    dimensions: 20,
    k: 100,
    run: (x) => lpca(x, { neighbours: 100 }),
    numbers: pointwise,
  },
  { name: 'lpcaGlobal', label: 'lPCA of the set', dimensions: 20, k: 0, run: (x) => lpcaGlobal(x), numbers: one },
  search(20, 20),
  search(784, 20),
  search(784, 100),
]

export const smallLidRows: Row[] = works.map((work) => ({
  name: `${work.label}, 2000 x ${work.dimensions}, processor time`,
  run: (context) => row(context, work),
}))

async function row(context: Context, work: Work): Promise<Measured> {
  const { peer, peaks, folder, quick } = context
  const { name, dimensions: d, k } = work
  const n = quick ? 400 : 2000
  const x = tensor(normals(random(11), n * d), [n, d])
  let peerName = 'numba + scikit-learn'
  const details: Record<string, string | number> = { points: n, dimensions: d }
  if (peer) {
    const file = `${folder}/small-${d}.npy`
    await writeNpy(file, x)
    peerName = (await peer.prepare('small_lid', { points: file, estimator: name, k })).peer as string
    const theirs = (await peer.run('small_lid')).result.lid as number[]
    const ours = [...work.numbers((await work.run(x)) as never)]
    details.largest_relative_difference = Math.max(...ours.map((value, i) => Math.abs(value / theirs[i]! - 1)))
  }
  // Products of all pairs once in float32, which both sides do twice over or in float64, and local scatter matrices.
  const flops = (k > 0 ? n * n * d : n * d * d) + (name === 'lpca' ? n * k * d * d : 0)
  return measure(context, {
    threads: 1,
    clock: 'cpu',
    ours: () => work.run(x),
    peer: peer && (() => peer.run('small_lid')),
    peerName,
    bound: { ms: flops / peaks.float32[1], of: 'flops', work: `${round(flops / 1e6)} Mflop at the float32 peak` },
    aimRatio: 1,
    details,
  })
}
