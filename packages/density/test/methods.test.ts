// The probes as methods: scores with their direction, rows in the density's space, and a detector over them.

import { type CallOptions, flatData, type NdArray, normals, random, sliceRows, tensor } from '@ood/core'
import {
  ballMassMethod,
  convolutionMethod,
  derivativeNormMethod,
  laplaceMethod,
  latentBoxMethod,
  latentNormMethod,
  meanLikelihoodMethod,
  nestedBallMethod,
} from '@ood/density'
import { detector, type Method, measure } from '@ood/detect'
import { describe, expect, it } from 'vitest'
import { diagonalGaussian } from './gaussian.ts'

/** A model of raw rows whose density lives at twice their values: methods must preprocess. */
const density = diagonalGaussian([1, 1, 1])
const model = {
  density,
  dataShape: [3],
  async preprocess(x: NdArray, _?: CallOptions) {
    return tensor(
      flatData(x).map((value) => 2 * value),
      x.shape,
    )
  },
  logProb: async (x: NdArray, _?: CallOptions) => density.logProb(await model.preprocess(x)),
  encode: (x: NdArray, _?: CallOptions) => model.preprocess(x),
}

const methods: Record<string, Method<null>> = {
  derivative: derivativeNormMethod(model),
  laplace: laplaceMethod(model),
  ball: ballMassMethod(model, { samples: 20 }),
  convolution: convolutionMethod(model),
  nested: nestedBallMethod(model, { steps: 20 }),
  mean: meanLikelihoodMethod(model, { draws: 2 }),
  norm: latentNormMethod(model),
  box: latentBoxMethod(model),
}

describe.each(Object.entries(methods))('%s', (_, method) => {
  const x = tensor(normals(random(1), 12), [4, 3])

  it('scores points far out above points near the mode', async () => {
    const near = tensor(Float64Array.of(0.05, 0, 0.1), [1, 3])
    const far = tensor(Float64Array.of(2, 2, 2), [1, 3])
    const both = detector(method)
    const [a, b] = [await both.score(near, { seed: 1 }), await both.score(far, { seed: 1 })]
    if (method.name === 'DerivativeNorm') expect(a[0]).toBeCloseTo(Math.hypot(0.1, 0.2), 12)
    expect(b[0]!).toBeGreaterThan(a[0]!)
  })

  it('gives a row the same score in any company', async () => {
    const all = await measure(method, x, { seed: 4 })
    const one = await measure(method, sliceRows(x, 2, 3), { seed: 4, rows: [2] })
    expect(method.score(one, null)[0]).toBe(method.score(all, null)[2])
  })

  it('says its settings, source and models, as a stored detector needs them', () => {
    expect(JSON.parse(JSON.stringify(method.settings))).toEqual(method.settings)
    expect(method.source).not.toBe('')
    expect(method.models).toEqual({ model })
    expect(method.data).toEqual({ dataShape: [3] })
  })
})

describe('Laplace of an isotropic Gaussian', () => {
  it('is the likelihood and a constant', async () => {
    const x = tensor(normals(random(3), 6), [2, 3])
    const columns = await measure(methods.laplace!, x)
    const scores = methods.laplace!.score(columns, null)
    expect([...scores].map((score) => -score)).toEqual([...(await model.logProb(x)).instance])
  })
})

describe('methods', () => {
  it('refuse models that are none', () => {
    expect(() => derivativeNormMethod({ logProb: model.logProb } as never)).toThrow(
      'DerivativeNorm model: expected a model with a density, such as a flow, got object',
    )
    expect(() => latentNormMethod({} as never)).toThrow('LatentNorm model: expected a model with encode')
    expect(() => ballMassMethod(model, { radius: 0 })).toThrow('radius: expected a positive number')
    expect(() => meanLikelihoodMethod(model, { draws: 0 })).toThrow('draws: expected a positive integer')
  })
})
