// AUROC of a million scores against scikit-learn.
import { random, tensor } from '@ood/core'
import { writeNpy } from '@ood/datasets'
import { auroc } from '@ood/roc'
import { measure, round } from '../measure.ts'
import type { Context, Measured, Row } from '../types.ts'

export const aurocRows: Row[] = [{ name: 'AUROC, 1,000,000 scores', run: row }]

async function row(context: Context): Promise<Measured> {
  const { peer, peaks, folder, quick } = context
  const half = quick ? 20_000 : 500_000
  const rng = random(5)
  const positives = Float64Array.from({ length: half }, () => 1 + rng.normal())
  const negatives = Float64Array.from({ length: half }, () => rng.normal())
  const ours = () => auroc(positives, negatives)
  let details: Record<string, string | number> = {}
  if (peer) {
    await writeNpy(`${folder}/positives.npy`, tensor(positives, [half]))
    await writeNpy(`${folder}/negatives.npy`, tensor(negatives, [half]))
    await peer.prepare('auroc', { positives: `${folder}/positives.npy`, negatives: `${folder}/negatives.npy` })
    const theirs = (await peer.run('auroc')).result.auroc as number
    details = { auroc: round(ours()), difference: Math.abs(ours() - theirs) }
  }
  const bytes = 16 * half
  return measure(context, {
    threads: 1,
    ours,
    peer: peer && (() => peer.run('auroc')),
    peerName: 'scikit-learn roc_auc_score',
    bound: {
      ms: bytes / peaks.bytes,
      of: 'bytes',
      work: `${bytes / 1e6} MB of scores read once; sorting them is not counted`,
    },
    aimRatio: 3,
    details,
  })
}
