// Proves that no evaluation score reaches a choice: scales and detectors stay the same whatever the other splits hold.
import { random, tensor } from '@ood/core'
import type { FlowArtifact } from '@ood/lid'
import { describe, expect, it } from 'vitest'
import { type SplitName, splitNames } from '../common/splits.ts'
import { choose, scaleRules } from '../likelihood-paradox/choose.ts'
import { type Measured, studyFlow } from '../likelihood-paradox/flow-study.ts'

const D = 24

/** Points whose log-volume and LID vary together, as those of a flow do: diagonal metrics with known singular values. */
function points(n: number, seed: number, shift = 0): Measured {
  const rng = random(seed)
  const diagonal = new Float64Array(n * D)
  const logProb = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    const thin = shift + 3 * rng.uniform()
    let volume = 0
    for (let j = 0; j < D; j++) {
      const logSigma = -4.5 + (4 * j) / D - (j % 2 ? thin : 0) + 0.1 * rng.normal()
      diagonal[i * D + j] = Math.exp(2 * logSigma)
      volume += logSigma
    }
    logProb[i] = -volume + 0.2 * rng.normal()
  }
  const artifact: FlowArtifact = {
    diagonal: tensor(diagonal, [n, D]),
    offDiagonal: tensor(new Float64Array(n * (D - 1)), [n, D - 1]),
    rotated: tensor(new Float64Array(n * D), [n, D]),
  }
  return { logProb, bitsPerDim: logProb.slice(), artifact }
}

function splitsWith(evaluationSeed: number, shift: number): Record<SplitName, Measured> {
  return {
    in_distr_train: points(32, 1),
    in_distr_test: points(32, evaluationSeed),
    ood: points(32, evaluationSeed + 1, shift),
    generated: points(32, evaluationSeed + 2),
  }
}

/** The example's own order: choose from the training split, then evaluate. */
const runOn = (splits: Record<SplitName, Measured>) => studyFlow(splits, 9)

/** Objects that were read while `choose` ran. */
function readDuring(splits: Record<SplitName, Measured>): Set<SplitName> {
  const touched = new Set<SplitName>()
  const watched = Object.fromEntries(
    splitNames.map((name) => [
      name,
      new Proxy(splits[name], {
        get(target, property) {
          touched.add(name)
          return Reflect.get(target, property)
        },
      }),
    ]),
  ) as Record<SplitName, Measured>
  const { logProb, artifact } = watched.in_distr_train
  choose({ logProb, artifact, dimension: D, lpca: 9 })
  return touched
}

describe('choices', () => {
  it('are the same for entirely different evaluation splits, while the evaluation itself differs', () => {
    const near = runOn(splitsWith(100, 0.5))
    const far = runOn(splitsWith(900, 4))
    for (const rule of scaleRules) {
      expect(far.choices.scales[rule]).toEqual(near.choices.scales[rule])
      // The fitted detector and its threshold too: they flag the same training images.
      expect(far.results[rule]!.flagged.in_distr_train).toBe(near.results[rule]!.flagged.in_distr_train)
    }
    expect(far.score.in_distr_train).toEqual(near.score.in_distr_train)
    expect(far.chosen.single.inDistr).not.toBe(near.chosen.single.inDistr)
  })

  it('survive evaluation splits that are all NaN, because they never read them', () => {
    const splits = splitsWith(100, 0.5)
    const expected = runOn(splits).choices
    for (const name of ['in_distr_test', 'ood', 'generated'] as const) {
      splits[name].logProb.fill(Number.NaN)
      splits[name].artifact.diagonal.data.fill(Number.NaN)
    }
    const { logProb, artifact } = splits.in_distr_train
    const choices = choose({ logProb, artifact, dimension: D, lpca: 9 })
    for (const rule of scaleRules) expect(choices.scales[rule].scale).toBe(expected.scales[rule].scale)
  })

  it('touch the training split only', () => {
    expect([...readDuring(splitsWith(100, 0.5))]).toEqual(['in_distr_train'])
  })

  it('change when the training split changes', () => {
    const one = runOn(splitsWith(100, 0.5))
    const other = splitsWith(100, 0.5)
    other.in_distr_train = points(32, 7, 2)
    expect(runOn(other).choices.scales.coupling.diagnostics).not.toEqual(one.choices.scales.coupling.diagnostics)
  })
})
