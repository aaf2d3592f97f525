// Synthetic genomes: what classes share and what they do not, and their exact likelihood against brute force.
import { flatData, type LikelihoodModel, type NdArray, random, sliceRows, tensor } from '@ood/core'
import { auroc } from '@ood/roc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveLaw, signature } from '../src/genomics/law.ts'
import {
  BASES,
  exactGenomeModel,
  type GenomeLawOptions,
  genomeSplits,
  mutatedGenomeLaw,
  syntheticGenomes,
} from '../src/index.ts'

const mean = (values: ArrayLike<number>): number => {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum / values.length
}
const share = (x: NdArray, letters: string): number => {
  const counted = [0, 1, 2, 3].map((base) => (letters.includes(BASES[base]!) ? 1 : 0))
  return mean(flatData(x).map((base) => counted[base]!))
}

describe('syntheticGenomes', () => {
  it('gives sequence i of a split whatever the range', () => {
    const all = syntheticGenomes({ split: 'val_ood', n: 9, seed: 3 })
    const part = syntheticGenomes({ split: 'val_ood', n: 4, from: 5, seed: 3 })
    expect(part.x.shape).toEqual([4, 250])
    expect(flatData(part.x)).toEqual(flatData(sliceRows(all.x, 5, 9)))
    expect(part.labels).toEqual(all.labels.slice(5))
    expect(flatData(syntheticGenomes({ split: 'val_ood', n: 9, seed: 4 }).x)).not.toEqual(flatData(all.x))
    expect(flatData(syntheticGenomes({ split: 'test_ood', n: 9, seed: 3 }).x)).not.toEqual(flatData(all.x))
  })

  it('keeps the classes of training, validation and test OOD apart', () => {
    const classes = genomeSplits.map((split) => {
      const { labels, isOutlier, names } = syntheticGenomes({ split, n: 300, length: 8 })
      expect(new Set(isOutlier)).toEqual(new Set([split.endsWith('ood') ? 1 : 0]))
      for (const label of labels) expect(names[label]).toBe(`synthetic ${label}`)
      return [Math.min(...labels), Math.max(...labels)]
    })
    // 300 draws miss the first or last of 60 classes with probability (59/60)^300 < 1 %; the seed is fixed.
    expect(classes).toEqual([
      [0, 9],
      [0, 9],
      [10, 69],
      [0, 9],
      [70, 129],
    ])
  })

  it('has the same G and C content, and as many A as T and C as G, in and out of distribution', () => {
    const [inside, outside] = (['test_in', 'test_ood'] as const).map((split) => syntheticGenomes({ split, n: 1000 }))
    for (const set of [inside!, outside!]) {
      // G and C content is uniform with standard deviation 0.7 / sqrt(12) = 0.2 a sequence: 0.0064 for the mean.
      expect(Math.abs(share(set.x, 'CG') - 0.5)).toBeLessThan(4 * 0.0064)
      expect(Math.abs(mean(set.gc) - 0.5)).toBeLessThan(4 * 0.0064)
      // Bases of a pair are split alike but for class and sampling noise, well below 0.01 each.
      expect(Math.abs(share(set.x, 'A') - share(set.x, 'T'))).toBeLessThan(0.02)
      expect(Math.abs(share(set.x, 'C') - share(set.x, 'G'))).toBeLessThan(0.02)
      // Three quarters of a sequence are coding; its first two bases never are.
      expect(Math.abs(mean(set.coding) - 0.75 * (248 / 250))).toBeLessThan(0.03)
    }
  })

  it('prefers within coding stretches what the signature says', () => {
    const law = resolveLaw({ seed: 2, classes: [1, 1, 1] })
    const { x, coding } = syntheticGenomes({ ...law, split: 'test_in', n: 400 })
    const bases = flatData(x)
    const first = new Float64Array(32)
    const total = new Float64Array(32)
    for (let i = 2; i < bases.length; i++) {
      if (!coding[i]) continue
      const strong = bases[i] === 1 || bases[i] === 2
      const at = 2 * (4 * bases[i - 2]! + bases[i - 1]!) + (strong ? 1 : 0)
      total[at] = total[at]! + 1
      first[at] = first[at]! + (bases[i]! < 2 ? 1 : 0)
    }
    const preference = signature(law, 0)
    // About 2,000 bases a context: a standard error near 0.01.
    for (let at = 0; at < 32; at++) expect(Math.abs(first[at]! / total[at]! - preference[at]!)).toBeLessThan(0.04)
  })

  it('balances signatures, alike in distribution and unrelated outside', () => {
    const law = resolveLaw({ seed: 5 })
    const sign = (index: number): number[] => Array.from(signature(law, index), (p) => (p - 0.5) / law.preference)
    const product = (a: number, b: number): number => mean(sign(a).map((value, i) => value * sign(b)[i]!))
    const pairs = (from: number): number[] =>
      Array.from({ length: 45 }, (_, k) => product(from + (k % 9), from + 9 - (k % 5 === k % 9 ? 0 : k % 2)))
    for (const index of [0, 9, 10, 129]) {
      expect(mean(sign(index))).toBeCloseTo(0, 12)
      for (const p of sign(index)) expect(Math.abs(p)).toBeCloseTo(1, 12)
    }
    // One of eight is turned over each way: correlation 0.75 with the ancestor, 0.75^2 between two descendants.
    expect(mean(pairs(0))).toBeGreaterThan(0.4)
    expect(Math.abs(mean(pairs(20)))).toBeLessThan(0.2)
    expect(signature(resolveLaw({ kinship: 1 }), 0)).toEqual(signature(resolveLaw({ kinship: 1 }), 7))
  })

  it('refuses impossible laws in one line', () => {
    const failing: [object, RegExp][] = [
      [{ split: 'train' }, /genome split: expected one of train_in, val_in, val_ood, test_in, test_ood, got train/],
      [{ n: -1 }, /n: expected a whole number >= 0, got -1/],
      [{ from: 0.5 }, /from: expected a whole number >= 0, got 0.5/],
      [{ seed: 1.5 }, /seed: expected a safe integer/],
      [{ order: 7 }, /order: expected a whole number from 0 to 6/],
      [{ length: 2 }, /length: expected a whole number from 3/],
      [{ classes: [1, 2] }, /classes: expected three counts/],
      [{ classes: [0, 2, 3] }, /classes: expected a whole number from 1/],
      [{ kinship: 1.1 }, /kinship: expected between 0 and 1, got 1.1/],
      [{ preference: 0.5 }, /preference: expected between 0 and 0.5/],
      [{ gc: [0.5, 0.4] }, /gc: expected a range inside 0 and 1/],
      [{ stretches: [0, 5] }, /stretches: expected mean lengths of at least 1 base/],
    ]
    for (const [options, message] of failing)
      expect(() => syntheticGenomes({ split: 'val_in', n: 1, ...options } as never)).toThrow(message)
    expect(syntheticGenomes({ split: 'val_in', n: 0 }).x.shape).toEqual([0, 250])
  })
})

/** Every sequence of a length, as rows. */
function everySequence(length: number): NdArray<Float32Array> {
  const n = 4 ** length
  const data = Float32Array.from({ length: n * length }, (_, i) => {
    const row = Math.floor(i / length)
    return Math.floor(row / 4 ** (length - 1 - (i % length))) % 4
  })
  return tensor(data, [n, length])
}

/** log p by definition: a sum over classes, over every coding path and over 20,000 values of G and C content. */
function bruteForce(row: ArrayLike<number>, options: GenomeLawOptions): number {
  const law = resolveLaw(options)
  const [gene, gap] = law.stretches
  const strong = Array.from(row, (base) => base === 1 || base === 2)
  let pattern = 0
  for (let i = 0; i < 20_000; i++) {
    const g = law.gc[0] + ((law.gc[1] - law.gc[0]) * (i + 0.5)) / 20_000
    pattern += strong.reduce((product, s) => product * (s ? g : 1 - g), 1) / 20_000
  }
  let choices = 0
  for (let c = 0; c < law.classes[0]; c++) {
    const preference = signature(law, c)
    for (let path = 0; path < 2 ** row.length; path++) {
      let p = 1 / law.classes[0]
      for (let t = 0; t < row.length; t++) {
        const coding = (path >> t) & 1
        if (t === 0) p *= coding ? gene / (gene + gap) : gap / (gene + gap)
        else {
          const before = (path >> (t - 1)) & 1
          const leave = 1 / (before ? gene : gap)
          p *= before === coding ? 1 - leave : leave
        }
        const context = Array.from(row)
          .slice(Math.max(0, t - law.order), t)
          .reduce((code, b) => 4 * code + b, 0)
        const first = coding && t >= law.order ? preference[2 * context + (strong[t] ? 1 : 0)]! : 0.5
        p *= row[t]! < 2 ? first : 1 - first
      }
      choices += p
    }
  }
  return Math.log(pattern) + Math.log(choices)
}

describe('exactGenomeModel', () => {
  const small: GenomeLawOptions = { length: 5, order: 1, classes: [3, 1, 1], stretches: [3, 2], seed: 8, kinship: 0.5 }

  it('is the definition: sums over classes, coding paths and G and C content', async () => {
    const x = everySequence(5)
    const { instance, feature } = await exactGenomeModel('semantic', small).logProb(x)
    const first = await exactGenomeModel('semantic', { ...small, length: 4 }).logProb(everySequence(4))
    expect(feature!.shape).toEqual([1024, 4])
    for (const i of [0, 1, 77, 300, 511, 640, 1023]) {
      const row = flatData(sliceRows(x, i, i + 1))
      // Conditioned on the first base, whose probability is that of a sequence of one. The midpoint sum of a quintic
      // over 20,000 panels is exact to 1e-9.
      const want = bruteForce(row, small) - bruteForce(row.slice(0, 1), { ...small, length: 2 })
      expect(instance[i]!).toBeCloseTo(want, 7)
      // Causal: the first three steps are those of the sequence without its last base.
      for (let t = 0; t < 3; t++) expect(feature!.get(i, t)).toBeCloseTo(first.feature!.get(Math.floor(i / 4), t), 9)
    }
  })

  it.each(['semantic', 'background'] as const)('is a probability given the first base (%s)', async (role) => {
    const { instance } = await exactGenomeModel(role, small).logProb(everySequence(5))
    for (let base = 0; base < 4; base++) {
      const sum = instance.slice(base * 256, (base + 1) * 256).reduce((total, value) => total + Math.exp(value), 0)
      expect(sum).toBeCloseTo(1, 9)
    }
  })

  it('has fair coins inside the pairs as background, whatever the order of strong and weak bases', async () => {
    const { instance } = await exactGenomeModel('background', small).logProb(
      tensor(Float32Array.of(0, 1, 0, 2, 3, 0, 3, 3, 1, 2), [2, 5]),
    )
    expect(instance[0]).toBeCloseTo(instance[1]!, 12)
  })

  it('shows the effect the data are made for: the ratio tells classes apart, G and C content rules the likelihood', async () => {
    const n = 120
    const scores = await Promise.all(
      (['val_in', 'val_ood'] as const).map(async (split) => {
        const { x } = syntheticGenomes({ split, n, seed: 11 })
        const [s, b] = await Promise.all(
          (['semantic', 'background'] as const).map((role) => exactGenomeModel(role, { seed: 11 }).logProb(x)),
        )
        return {
          likelihood: s!.instance,
          background: b!.instance,
          ratio: s!.instance.map((value, i) => value - b!.instance[i]!),
        }
      }),
    )
    const auc = (name: 'likelihood' | 'background' | 'ratio'): number => auroc(scores[0]![name], scores[1]![name])
    // Standard error of an AUC of 120 against 120: at most 0.038.
    expect(Math.abs(auc('background') - 0.5)).toBeLessThan(0.15)
    expect(auc('likelihood')).toBeLessThan(0.8)
    expect(auc('ratio')).toBeGreaterThan(0.92)
  })

  it('nearly knows mutated sequences, better than models of clean ones or of their background', async () => {
    const { x } = syntheticGenomes({ split: 'val_in', n: 150, seed: 3 })
    const rng = random(8)
    const mutated = tensor(
      flatData(x).map((base) => (rng.uniform() < 0.2 ? (base + 1 + rng.integer(3)) % 4 : base)),
      x.shape,
    )
    const law = mutatedGenomeLaw({ seed: 3 }, 0.2)
    // k = 1 - 0.8 / 3 = 0.7333: 0.15 k + (1 - k) / 2, and 0.2 k^3.
    expect(law.gc![0]).toBeCloseTo(0.24333, 4)
    expect(law.preference).toBeCloseTo(0.2 * 0.39437, 5)
    const nats = async (model: LikelihoodModel): Promise<number> => mean((await model.logProb(mutated)).instance)
    const best = await nats(exactGenomeModel('semantic', law))
    // Measured on 500 sequences of seed 1: 1.4 nats a sequence above the background of the mutated law.
    expect(best).toBeGreaterThan(await nats(exactGenomeModel('background', law)))
    expect(best).toBeGreaterThan((await nats(exactGenomeModel('semantic', { seed: 3 }))) + 1)
    expect(() => mutatedGenomeLaw({}, 0.75)).toThrow(/mutation rate: expected between 0 and 0.75/)
  })

  it('takes any sequence of bases and nothing else', async () => {
    const model = exactGenomeModel('semantic', { length: 12, order: 6 })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 12, maxLength: 12 }), async (row) => {
        const { instance, feature } = await model.logProb(tensor(Float64Array.from(row), [1, 12]))
        expect(instance[0]).toBeLessThan(0)
        expect(flatData(feature!).every((value) => Number.isFinite(value) && value < 0)).toBe(true)
      }),
      { numRuns: 40 },
    )
    expect((await model.logProb(tensor(new Float32Array(0), [0, 12]))).instance).toHaveLength(0)
    for (const bad of [4, -1, 0.5, Number.NaN])
      await expect(model.logProb(tensor(new Float32Array(12).fill(bad), [1, 12]))).rejects.toThrow(/whole numbers 0..3/)
    await expect(model.logProb(tensor(new Float32Array(12), [2, 6]))).rejects.toThrow(
      /expected \[N, 12\], got \[2, 6\]/,
    )
    const stopped = AbortSignal.abort()
    await expect(model.logProb(tensor(new Float32Array(12), [1, 12]), { signal: stopped })).rejects.toThrow(
      expect.objectContaining({ code: 'E_ABORTED' }),
    )
  })
})
