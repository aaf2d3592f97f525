// Any classifier: its head found in every form, numbers and gradients against PyTorch, and one line for what does not fit.
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { flatData, normals, random, sliceRows, tensor } from '@ood/core'
import { type Classifier, type ClassifierOptions, openClassifier } from '@ood/models-classifier'
import { constantTensor, int } from '@ood/onnx'
import { writeManifest } from '@ood/runtime'
import { afterEach, describe, expect, it } from 'vitest'
import { BIAS, classifierGraph, heads, WEIGHT } from './graphs.ts'

const made: string[] = []
const opened: Classifier[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.release()
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true })
})
const kept = (file: string): string => {
  made.push(dirname(file))
  return file
}
async function open(source: string, options: ClassifierOptions = {}): Promise<Classifier> {
  const classifier = await openClassifier(source, { workers: 0, ...options })
  opened.push(classifier)
  return classifier
}
const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
const plain = heads['Gemm of a transposed weight']!
/** Largest difference relative to the largest number. */
const gap = (got: ArrayLike<number>, want: ArrayLike<number>): number => {
  expect(got.length).toBe(want.length)
  let [worst, size] = [0, 1e-300]
  for (let i = 0; i < got.length; i++) {
    worst = Math.max(worst, Math.abs(got[i]! - want[i]!))
    size = Math.max(size, Math.abs(want[i]!))
  }
  return worst / size
}

describe.each(Object.entries(heads))('a head of %s', (_, head) => {
  it('is found with its features, weight and bias', async () => {
    const classifier = await open(kept(classifierGraph(head)))
    expect([classifier.classes, classifier.dimension, classifier.dataShape]).toEqual([3, 2, [2]])
    expect(gap(flatData(classifier.head!.weight), WEIGHT)).toBeLessThan(1e-6)
    expect(gap(classifier.head!.bias, BIAS)).toBeLessThan(1e-6)
    const x = tensor(normals(random(1), 10), [5, 2])
    const { logits, features } = await classifier.evaluate(x)
    expect(gap(flatData(features), Array.from(flatData(x), Math.tanh))).toBeLessThan(1e-6)
    const want = Array.from({ length: 15 }, (_, i) => {
      const [row, c] = [Math.floor(i / 3), i % 3]
      return WEIGHT[2 * c]! * features.get(row, 0) + WEIGHT[2 * c + 1]! * features.get(row, 1) + BIAS[c]!
    })
    expect(gap(flatData(logits), want)).toBeLessThan(1e-6)
  })
})

describe.each([
  ['residual-dynamo.onnx', {}],
  ['residual-script.onnx', {}],
  ['residual-fixed-softmax.onnx', { fixedBatch: true }],
])('a residual network exported by PyTorch as %s', (name, options) => {
  const golden = JSON.parse(readFileSync(fixture('golden.json'), 'utf8')) as Record<string, number[]>
  const x = tensor(Float32Array.from(golden.x!), [3, 1, 8, 8])

  it('gives the logits, features and weights of PyTorch', async () => {
    const classifier = await open(fixture(name), options)
    const { logits, features } = await classifier.evaluate(x)
    expect(gap(flatData(logits), golden.logits!)).toBeLessThan(1e-5)
    expect(gap(flatData(features), golden.features!)).toBeLessThan(1e-5)
    expect(gap(flatData(classifier.head!.weight), golden.weight!)).toBeLessThan(1e-6)
    expect(gap(classifier.head!.bias, golden.bias!)).toBeLessThan(1e-6)
    expect(classifier.manifest.data.shape).toEqual([1, 8, 8])
    expect(Object.values(classifier.manifest.sha256)[0]).toMatch(/^[0-9a-f]{64}$/)
  })

  it('gives gradients of logits and features by the input', async () => {
    const classifier = await open(fixture(name), options)
    const u = tensor(Float32Array.from(golden.u!), [2, 3, 4])
    const w = tensor(Float32Array.from(golden.w!), [2, 3, 6])
    const { gradient, logits } = await classifier.vjp(x, { logits: u, features: w })
    expect(gradient.shape).toEqual([2, 3, 1, 8, 8])
    expect(gap(flatData(gradient), golden.gradient!)).toBeLessThan(1e-5)
    expect(gap(flatData(logits), golden.logits!)).toBeLessThan(1e-5)
    const first = flatData((await classifier.vjp(x, { logits: u })).gradient)
    const second = flatData((await classifier.vjp(x, { features: w }, { batchSize: 1 })).gradient)
    expect(
      gap(
        first.map((value, i) => value + second[i]!),
        golden.gradient!,
      ),
    ).toBeLessThan(1e-5)
  })

  it('gives a row the same numbers in any batch', async () => {
    const classifier = await open(fixture(name), options)
    const all = await classifier.evaluate(x)
    const one = await classifier.evaluate(sliceRows(x, 2, 3))
    expect(gap(flatData(one.features), flatData(sliceRows(all.features, 2, 3)))).toBeLessThan(1e-6)
    const none = await classifier.evaluate(sliceRows(x, 0, 0))
    expect(none.logits.shape).toEqual([0, 4])
    const pool = await open(fixture(name), { ...options, workers: 2, batchSize: 2 })
    expect(gap(flatData((await pool.evaluate(x)).logits), golden.logits!)).toBeLessThan(1e-5)
  })
})

describe('ResNet-18 of the proofs, by both exporters', () => {
  it.each(['resnet18.dynamo.onnx', 'resnet18.script.onnx'])('%s opens without a word', async (name) => {
    const file = fileURLToPath(new URL(`../../onnx/test/models/fixtures/${name}`, import.meta.url))
    const classifier = await open(file)
    const x = tensor(normals(random(2), 2 * classifier.dataShape.reduce((a, b) => a * b, 1)), [
      2,
      ...classifier.dataShape,
    ])
    const { logits, features } = await classifier.evaluate(x)
    const { weight, bias } = classifier.head!
    for (let row = 0; row < 2; row++)
      for (let c = 0; c < classifier.classes; c++) {
        let sum = bias[c]!
        for (let f = 0; f < classifier.dimension; f++) sum += weight.get(c, f) * features.get(row, f)
        expect(Math.abs(sum - logits.get(row, c))).toBeLessThan(1e-4 * Math.max(1, Math.abs(sum)))
      }
  })
})

describe('preprocessing', () => {
  it('is what the caller says, and units are checked by it', async () => {
    const file = kept(classifierGraph(plain))
    const bytes = tensor(Float32Array.of(0, 255, 51, 102), [2, 2])
    const scaled = await open(file, { preprocessing: [{ name: 'unit' }] })
    const raw = await open(file)
    const unit = tensor(Float32Array.of(0, 1, 0.2, 0.4), [2, 2])
    expect(
      gap(flatData((await scaled.evaluate(bytes)).logits), flatData((await raw.evaluate(unit)).logits)),
    ).toBeLessThan(1e-6)
    expect(gap(flatData(await scaled.preprocess(bytes)), flatData(unit))).toBeLessThan(1e-6)
    expect(flatData((await scaled.evaluate(unit, { input: 'model' })).logits)).toEqual(
      flatData((await raw.evaluate(unit)).logits),
    )
    await expect(scaled.evaluate(tensor(Float32Array.of(256, 0), [1, 2]))).rejects.toThrow(
      'evaluate: expected values in [0, 255], got 256',
    )
    await expect(raw.evaluate(tensor(Float32Array.of(Number.NaN, 0), [1, 2]))).rejects.toMatchObject({
      code: 'E_NOT_FINITE',
    })
    await expect(raw.evaluate(tensor(new Float32Array(3), [1, 3]))).rejects.toThrow(
      'evaluate: expected shape [N, 2], got [1, 3]',
    )
  })

  it('comes from the manifest of a checkpoint folder', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ood-classifier-'))
    made.push(folder)
    const description = {
      name: 'net',
      kind: 'classifier' as const,
      graphs: { logits: 'net.onnx' },
      data: { dataset: 'none', shape: [2], valueRange: [0, 255] as [number, number] },
      preprocessing: [{ name: 'unit' }],
    }
    // The contract wants an output called logits.
    copyFileSync(kept(classifierGraph(plain)), join(folder, 'net.onnx'))
    await expect(writeManifest(folder, description)).rejects.toMatchObject({ code: 'E_MANIFEST' })
    await expect(open(folder)).rejects.toThrow(`${folder}: expected a classifier: an .onnx file, or a folder`)
    copyFileSync(kept(classifierGraph(plain, { output: 'logits' })), join(folder, 'net.onnx'))
    await writeManifest(folder, description)
    const described = await open(folder)
    const bytes = tensor(Float32Array.of(0, 255, 51, 102), [2, 2])
    const same = await open(join(folder, 'net.onnx'), { preprocessing: [{ name: 'unit' }] })
    expect(flatData((await described.evaluate(bytes)).logits)).toEqual(flatData((await same.evaluate(bytes)).logits))
    expect(described.manifest.name).toBe('net')
    await expect(open(fixture('../../../models-flow/test/fixtures/tiny-affine'))).rejects.toThrow(
      'kind: expected classifier, got flow',
    )
  })
})

describe('what does not fit is said with the option that helps', () => {
  const conv = (g: Parameters<typeof plain>[0], f: string) => g.op('Sigmoid', [f])
  it.each<[string, () => string, ClassifierOptions, string]>([
    [
      'no linear layer',
      () => classifierGraph(conv),
      {},
      'expected a linear layer (Gemm, or MatMul by a constant) that gives y, got Sigmoid (pass features: a value of the graph, or logits: another output)',
    ],
    [
      'several outputs',
      () => classifierGraph(plain, { more: (g, y) => g.output('z', g.op('Neg', [y])) }),
      {},
      'outputs: expected one output [N, classes], got y, z (pass logits: the name of one)',
    ],
    [
      'a fixed batch',
      () => classifierGraph(plain, { batch: 2 }),
      {},
      'input x: expected a free batch axis, got 2 rows (export it with one, or pass fixedBatch: true)',
    ],
    ['an unknown output', () => classifierGraph(plain), { logits: 'logit' }, 'got logit'],
    ['an unknown feature', () => classifierGraph(plain), { features: 'pool' }, 'got pool'],
    ['an unknown input', () => classifierGraph(plain), { input: 'images' }, 'input: expected one of x, got images'],
    ['a wrong shape', () => classifierGraph(plain), { shape: [3] }, 'shape: expected [2] as input x has it, got [3]'],
    ['an unknown option', () => classifierGraph(plain), { feature: 'x' } as never, 'openClassifier: expected options'],
  ])('%s', async (_, file, options, message) => {
    await expect(open(kept(file()), options)).rejects.toThrow(message)
  })

  it('and the option does help', async () => {
    const two = kept(classifierGraph(plain, { more: (g, y) => g.output('z', g.op('Neg', [y])) }))
    expect((await open(two, { logits: 'y' })).head).toBeDefined()
    const negative = await open(two, { logits: 'z', features: 'y' })
    expect([negative.classes, negative.dimension, negative.head]).toEqual([3, 3, undefined])
    const x = tensor(normals(random(4), 14), [7, 2])
    const free = await open(kept(classifierGraph(plain)))
    const fixed = await open(kept(classifierGraph(plain, { batch: 2 })), { fixedBatch: true })
    expect(gap(flatData((await fixed.evaluate(x)).logits), flatData((await free.evaluate(x)).logits))).toBeLessThan(
      1e-6,
    )
    const u = tensor(normals(random(5), 2 * 7 * 3), [2, 7, 3])
    expect(
      gap(
        flatData((await fixed.vjp(x, { logits: u })).gradient),
        flatData((await free.vjp(x, { logits: u })).gradient),
      ),
    ).toBeLessThan(1e-5)
  })

  it('names files that are none', async () => {
    await expect(open('/nowhere/net.onnx')).rejects.toThrow('/nowhere/net.onnx: expected a classifier: an .onnx file')
    await expect(open(fixture('make.py'))).rejects.toMatchObject({ code: 'E_FILE' })
  })

  it('checks cotangents', async () => {
    const classifier = await open(kept(classifierGraph(plain)))
    const x = tensor(new Float32Array(4), [2, 2])
    await expect(classifier.vjp(x, {})).rejects.toThrow('vjp cotangents: expected logits or features')
    await expect(classifier.vjp(x, { logits: tensor(new Float32Array(6), [1, 3, 2]) })).rejects.toThrow(
      'vjp logits: expected [K, 2, 3]',
    )
  })

  it('takes a linear classifier, whose features are its input', async () => {
    const file = kept(
      classifierGraph((g) =>
        g.op('Gemm', ['x', g.constant('w', constantTensor('float32', [3, 2], Float32Array.from(WEIGHT)))], {
          transB: int(1),
        }),
      ),
    )
    const classifier = await open(file)
    const x = tensor(normals(random(6), 4), [2, 2])
    expect(classifier.values.features).toBe('x')
    expect(gap(flatData((await classifier.evaluate(x)).features), flatData(x))).toBeLessThan(1e-6)
    const w = tensor(Float32Array.of(1, 2, 3, 4), [1, 2, 2])
    expect(flatData((await classifier.vjp(x, { features: w })).gradient)).toEqual(flatData(w))
  })
})
