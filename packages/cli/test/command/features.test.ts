// `ood features` on classifiers without a manifest, and what a flow on features and `ood compare` make of them.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { flatData, random } from '@ood/core'
import { encodeNpy, readNpz, writeNpz } from '@ood/datasets'
import { openClassifier } from '@ood/models-classifier'
import { graphBuilder, int, writeModel } from '@ood/onnx'
import { writeManifest } from '@ood/runtime'
import { describe, expect, it } from 'vitest'
import { classifierOptions } from '../../src/command/classifier-options.ts'
import { compareMethods } from '../../src/command/compare.ts'
import { extractFeatures } from '../../src/command/features.ts'
import { readImages } from '../../src/command/images.ts'
import { temporaryFolder } from '../helpers.ts'
import { inside } from '../inside.ts'

const folder = temporaryFolder()
const at = (name: string): string => join(folder, name)
const classifier = fileURLToPath(
  new URL('../../../models-classifier/test/fixtures/residual-dynamo.onnx', import.meta.url),
)

/** Grey images of bytes [N, 1, 8, 8]: one wave an image, of the given steepness. */
function images(name: string, count: number, seed: number, steep = 1): string {
  const data = new Uint8Array(count * 64)
  for (let row = 0; row < count; row++) {
    const rng = random(seed).fork(row)
    const [a, b] = [rng.normal(), rng.normal()]
    for (let i = 0; i < 64; i++)
      data[row * 64 + i] = 128 + Math.round(100 * Math.sin(steep * (a * (i % 8) + b * (i >> 3)) * 0.3))
  }
  writeFileSync(at(name), encodeNpy({ data, shape: [count, 1, 8, 8] }))
  return at(name)
}

const base = { seed: 0, batchSize: 4, workers: 0 }

describe('features', () => {
  it('writes what the classifier gives, in any batches', async () => {
    const source = images('a.npy', 10, 1)
    const report = await extractFeatures({ ...base, model: classifier, images: source, unit: true, out: at('a.npz') })
    expect(report).toMatchObject({ rows: 10, dimension: 6, classes: 4 })
    const { embeddings, logits } = await readNpz(at('a.npz'), ['embeddings', 'logits'])
    const model = await openClassifier(classifier, { workers: 0, preprocessing: [{ name: 'unit' }] })
    const { images: x } = await readImages(source, { shape: [1, 8, 8] })
    const want = await model.evaluate(x, { batchSize: 10 })
    await model.release()
    for (const [got, batch] of [
      [embeddings, want.features],
      [logits, want.logits],
    ] as const) {
      expect(got.shape).toEqual(batch.shape)
      const values = flatData(batch)
      for (let i = 0; i < values.length; i++) expect(Math.abs(Number(got.data[i]) - values[i]!)).toBeLessThan(1e-5)
    }
    expect(existsSync(at('a.npz.run'))).toBe(false)
    // Read back as rows of a model of features.
    const rows = await readImages(at('a.npz'), { shape: [6], limit: 3 })
    expect([rows.images.shape, rows.names]).toEqual([
      [3, 6],
      ['0', '1', '2'],
    ])
    await expect(readImages(at('a.npz'), { shape: [7] })).rejects.toThrow('expected rows [N, 7], got [10, 6]')
  })

  it('is a command, with one line for what does not fit', async () => {
    const source = images('b.npy', 3, 2)
    const out = at('b.npz')
    const shared = ['--workers', '0', '-o', out]
    const good = await inside(
      'features',
      '--model',
      classifier,
      '--data',
      source,
      '--mean',
      '0.5',
      '--std',
      '0.25',
      ...shared,
    )
    expect(good.stdout).toBe(`embeddings [3, 6] from view\nlogits [3, 4] from output\n${out}\n`)
    const wrong = async (...args: string[]) => (await inside('features', ...args, ...shared)).stderr
    expect(await wrong('-m', classifier)).toContain('--images: expected one source of images, got none')
    expect(await wrong('-m', classifier, '-i', source, '--mean', '1')).toContain(
      '--mean and --std: expected both or none, got --mean alone',
    )
    expect(await wrong('-m', classifier, '-i', source, '--features', 'poll')).toMatch(
      /value of the graph: expected one of .*got poll/,
    )
    const fixed = classifier.replace('dynamo', 'fixed-softmax')
    expect(await wrong('-m', fixed, '-i', source)).toContain('expected a free batch axis, got 2 rows')
    expect((await inside('features', '-m', fixed, '-i', source, '--fixed-batch', ...shared)).stdout).toContain(
      'embeddings [3, 6]',
    )
    const flow = fileURLToPath(new URL('../../../models-flow/test/fixtures/tiny-affine', import.meta.url))
    expect(await wrong('-m', flow, '-i', source)).toContain(
      '--model: expected a classifier: an .onnx file, or a folder of that kind, got a flow',
    )
    expect((await inside('score', '-m', classifier, '-i', source, '--workers', '0')).stderr).toContain(
      'ood features writes its features',
    )
  })
})

describe('compare of a classifier that nobody described', () => {
  it('prints rows of the methods on features, alone and with a flow on them', async () => {
    const [train, inside1, far] = [images('train.npy', 40, 3), images('in.npy', 16, 4), images('far.npy', 16, 5, 4)]
    const options = { ...base, train, inDistribution: inside1, ood: { far }, unit: true }
    const alone = await compareMethods({ ...options, models: [classifier], out: at('run') })
    expect(alone.failures).toEqual([])
    expect(alone.results.map(({ method }) => method)).toEqual(['features-gaussian'])
    expect(alone.results[0]!.rows[0]!.auroc).toBeGreaterThan(0.6)

    const flow = at('on-features')
    const { mkdirSync } = await import('node:fs')
    mkdirSync(flow)
    for (const [file, input, output] of [
      ['encode.onnx', 'x', 'z'],
      ['decode.onnx', 'z', 'x'],
    ] as const) {
      const g = graphBuilder()
      const x = g.input(input, 'float32', ['N', 6])
      g.output(output, g.op('Mul', [x, g.scalar('float32', 1)]))
      if (input === 'x')
        g.output(
          'logdet',
          g.op('ReduceSum', [g.op('Mul', [x, g.scalar('float32', 0)]), g.int64([1])], { keepdims: int(0) }),
        )
      writeFileSync(join(flow, file), writeModel(g.model()))
    }
    await writeManifest(flow, {
      name: 'on-features',
      kind: 'flow',
      graphs: { encode: 'encode.onnx', decode: 'decode.onnx' },
      data: { dataset: 'features:waves', shape: [6], valueRange: [-10, 10] },
      preprocessing: [],
    })
    const both = await compareMethods({ ...options, models: [flow, classifier], out: at('run2') })
    expect(both.failures).toEqual([])
    expect(both.results.map(({ method }) => method).sort()).toEqual(['features-gaussian', 'features-likelihood'])
    // The flow alone scores the .npz that `ood features` writes.
    await extractFeatures({ ...base, model: classifier, images: far, unit: true, out: at('far.npz') })
    const scored = await inside('score', '-m', flow, '-i', at('far.npz'), '--workers', '0', '--space', 'model')
    expect(scored.stdout.split('\n')[0]).toMatch(/^image,log_prob_model/)
    expect(scored.stdout.trim().split('\n')).toHaveLength(17)
  })
})

describe('readImages of .npz', () => {
  it('takes the array that holds rows, and names the others', async () => {
    const array = { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] }
    await writeNpz(at('one.npz'), { anything: array })
    expect((await readImages(at('one.npz'), { shape: [2] })).images.shape).toEqual([2, 2])
    await writeNpz(at('two.npz'), { labels: { data: Int32Array.of(1, 2), shape: [2] }, other: array })
    await expect(readImages(at('two.npz'), { shape: [2] })).rejects.toThrow(
      'expected an array called embeddings, features, images, or a single one, got labels, other',
    )
    await writeNpz(at('three.npz'), { labels: { data: Int32Array.of(1, 2), shape: [2] }, features: array })
    expect([...flatData((await readImages(at('three.npz'), { shape: [2] })).images)]).toEqual([1, 2, 3, 4])
  })
})

describe('classifierOptions', () => {
  it('turns flags into what openClassifier takes', () => {
    expect(classifierOptions({})).toEqual({})
    expect(
      classifierOptions({ mean: '0.1,0.2', std: '1', inputShape: '3,8,8', fixedBatch: true, logits: 'y' }),
    ).toEqual({
      preprocessing: [{ name: 'unit' }, { name: 'standardize', mean: [0.1, 0.2], std: [1] }],
      shape: [3, 8, 8],
      fixedBatch: true,
      logits: 'y',
    })
    expect(() => classifierOptions({ mean: '1,a', std: '1' })).toThrow(
      '--mean: expected numbers with commas between, got 1,a',
    )
    expect(() => classifierOptions({ std: '1' })).toThrow('got --std alone')
  })
  it('is part of what is measured: other preprocessing, other identity', async () => {
    const [a, b] = await Promise.all(
      [{}, { unit: true }].map((flags) => openClassifier(classifier, { workers: 0, ...classifierOptions(flags) })),
    )
    expect(a!.manifest.sha256).not.toEqual(b!.manifest.sha256)
    await a!.release()
    await b!.release()
  })
})
