// The dual-threshold ROC: the reference algorithm at 128 + 128 points, and ours alone at 10,000 + 10,000.
import { random, tensor } from '@ood/core'
import { writeNpy } from '@ood/datasets'
import { dualAuroc } from '@ood/roc'
import { measure, round } from '../measure.ts'
import type { Context, Measured, Row } from '../types.ts'

/** Size of a class at which the reference's every-pair loop is still bearable, and the published one. */
const SMALL = 128
const LARGE = 10_000

interface Points {
  x: Float64Array
  y: Float64Array
}

export const dualRocRows: Row[] = [
  { name: `dual ROC, ${SMALL} + ${SMALL}, vs the reference algorithm`, run: small },
  { name: `dual ROC, ${LARGE} + ${LARGE}, separable classes`, run: (context) => large(context, 1.5) },
  { name: `dual ROC, ${LARGE} + ${LARGE}, overlapping classes`, run: (context) => large(context, 0) },
]

async function small(context: Context): Promise<Measured> {
  const { peer, folder, quick } = context
  const n = quick ? 24 : SMALL
  const [positives, negatives] = classes(n, 1.5)
  const ours = () => dualAuroc(positives, negatives, { compat: 'reference' })
  let details: Record<string, string | number> = { ours: `compat 'reference', the same number` }
  if (peer) {
    const stack = Float64Array.of(...positives.x, ...positives.y, ...negatives.x, ...negatives.y)
    await writeNpy(`${folder}/dual.npy`, tensor(stack, [4, n]))
    await peer.prepare('dual_roc', { scores: `${folder}/dual.npy` })
    const theirs = (await peer.run('dual_roc')).result.auc as number
    details = { ...details, auc: round(ours()), difference: Math.abs(ours() - theirs) }
  }
  return measure(context, {
    threads: 1,
    ours,
    peer: peer && (() => peer.run('dual_roc')),
    peerName: 'reference algorithm in numpy',
    bound: readOnce(context, n),
    details,
  })
}

async function large(context: Context, shift: number): Promise<Measured> {
  const n = context.quick ? 1000 : LARGE
  const [positives, negatives] = classes(n, shift)
  let area = 0
  return measure(context, {
    threads: 1,
    ours: () => {
      area = dualAuroc(positives, negatives)
    },
    peerName: '',
    bound: readOnce(context, n),
    aimMs: 1000,
  }).then((result) => ({ ...result, details: { ours: 'exact curve', auc: round(area) } }))
}

function readOnce({ peaks }: Context, n: number) {
  const bytes = 4 * 8 * n
  return {
    ms: bytes / peaks.bytes,
    of: 'bytes',
    work: `${bytes / 1000} kB of scores read once; the search is not counted`,
  } as const
}

/** (log p, LID) as in the likelihood paradox: outliers have the higher x and, `shift` standard deviations, lower y. */
function classes(n: number, shift: number): [Points, Points] {
  const rng = random(11)
  const draw = (x: number, y: number): Points => ({
    x: Float64Array.from({ length: n }, () => x + rng.normal()),
    y: Float64Array.from({ length: n }, () => y + rng.normal()),
  })
  return [draw(0, shift), draw(shift / 2, 0)]
}
