// Opens any ONNX classifier: finds its logits and the features before its last linear layer.
import {
  assertFinite,
  assertFiniteRows,
  assertOptions,
  assertRows,
  assertUnits,
  CALL_OPTIONS,
  type ClassifierOutputs,
  canonicalJson,
  flatData,
  mismatch,
  type NdArray,
  rowCount,
  tensor,
} from '@ood/core'
import { sha256 } from '@ood/core/node'
import { dataUnits, preprocessing, type TransformSpec } from '@ood/datasets'
import { bindSizes, type Dim, type Model, simplify, withOutputs, writeModel } from '@ood/onnx'
import { type Checkpoint, type Manifest, type ModelOptions, modelSettings, startEngine, taskModule } from '@ood/runtime'
import type { Classifier, ClassifierCallOptions } from './classifier.ts'
import { findHead, type HeadNames } from './internal/find-head.ts'
import { openKernels } from './internal/kernels.ts'
import { readSource } from './internal/source.ts'

/** How a classifier is read and runs. */
export interface ClassifierOptions extends ModelOptions {
  /** Name of the input that takes rows (default: the only one). */
  input?: string | undefined
  /** Name of the value that holds logits (default: the output of that name, or the only one of shape [N, classes]). */
  logits?: string | undefined
  /** Name of the value that holds features (default: what the last linear layer is given). */
  features?: string | undefined
  /** Shape of one row, for a graph that leaves sizes of its input open. */
  shape?: readonly number[] | undefined
  /** What happens between raw rows and the graph's input (default: the manifest's, else nothing). */
  preprocessing?: readonly TransformSpec[] | undefined
  /** Take a graph that was exported for batches of one size: rows are handed over in that number, the last block padded. */
  fixedBatch?: boolean | undefined
}

const MORE = ['input', 'logits', 'features', 'shape', 'preprocessing', 'fixedBatch'] as const

/**
 * Opens a classifier from an `.onnx` file, or from a checkpoint folder of kind `classifier`.
 *
 * Logits are the output called `logits`, or the only output that can be [N, classes]; a softmax at the end is stepped
 * over. Features are the output called `features`, or what the last linear layer is given. Both can be named instead.
 *
 * @param source - file, folder, or the result of `openCheckpoint`
 * @throws OodError `E_FILE`; `E_UNSUPPORTED` when no linear layer gives the logits, several outputs could be logits, the
 *   batch size is fixed, or sizes are open, each with the option that helps; `E_MANIFEST`, `E_ARGUMENT`
 * @example
 * const classifier = await openClassifier('resnet18.onnx', {
 *   preprocessing: [{ name: 'unit' }, { name: 'standardize', mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }],
 * })
 * const { logits, features } = await classifier.evaluate(images) // bytes [N, 3, 224, 224]
 * await classifier.release()
 */
export async function openClassifier(
  source: string | Checkpoint,
  options: ClassifierOptions = {},
): Promise<Classifier> {
  const settings = modelSettings('openClassifier', options, { batchSize: 32 }, MORE)
  const { what, model: read, manifest: given, described } = await readSource(source)
  const names: HeadNames = { input: options.input, logits: options.logits, features: options.features }
  // Values that were named must survive what simplify does.
  const named = [options.logits, options.features].filter((name) => name !== undefined)
  const model = simplify(withOutputs(sized(what, read, options), [...new Set(named)]))
  const head = findHead(what, model, names)
  const { batch, modelShape } = inputSizes(what, model, head.input, options)
  const specs = (options.preprocessing ?? given.preprocessing) as readonly TransformSpec[]
  const transform = preprocessing(specs)
  const manifest = described ? { ...given } : madeUp(given, head.input, modelShape, specs)
  if (!described || MORE.some((name) => options[name] !== undefined)) {
    // What is measured depends on these, too, so they are part of the identity.
    const settings = { logits: head.logits, features: head.features, preprocessing: specs, shape: modelShape }
    manifest.sha256 = { ...manifest.sha256, settings: sha256(new TextEncoder().encode(canonicalJson(settings))) }
  }
  const dataShape = manifest.data.shape
  const units = dataUnits({ preprocessing: specs, valueRange: manifest.data.valueRange, shape: dataShape })
  const { classes, dimension } = head
  const size = modelShape.reduce((product, n) => product * n, 1)
  const outputs = [...new Set([head.logits, head.features])].filter((name) => name !== head.input)
  const engine = startEngine({
    setup: {
      name: manifest.name,
      graph: writeModel(withOutputs(model, outputs, { only: true }), { inline: true }),
      device: settings.device,
      input: head.input,
      logits: head.logits,
      features: head.features,
      classes,
      dimension,
      modelShape,
      fixedBatch: batch,
    },
    settings: batch > 0 ? { ...settings, batchSize: batch } : settings,
    open: openKernels,
    tasks: taskModule('./internal/tasks.ts', import.meta.url),
  })

  const CALL = [...CALL_OPTIONS, 'input']
  /** Rows as the graph takes them, checked. */
  function toModel(label: string, x: NdArray, options: ClassifierCallOptions | undefined): Float32Array {
    assertOptions(label, options, CALL)
    const input = options?.input ?? 'raw'
    if (input !== 'raw' && input !== 'model') throw mismatch('E_ARGUMENT', `${label} input`, 'raw or model', input)
    assertRows(label, x, input === 'raw' ? dataShape : modelShape)
    if (input === 'model') {
      assertFinite(label, x)
      return Float32Array.from(flatData(x))
    }
    if (units.valueRange === null) assertFinite(label, x)
    else assertUnits(label, x, units)
    if (specs.length === 0) return Float32Array.from(flatData(x))
    return Float32Array.from(flatData(transform.forward(x, { seed: options?.seed, rows: options?.rows }).y))
  }

  async function evaluate(x: NdArray, options?: ClassifierCallOptions): Promise<ClassifierOutputs> {
    const v = toModel('evaluate', x, options)
    const n = rowCount(x)
    const logits = new Float32Array(n * classes)
    const features = new Float32Array(n * dimension)
    await engine.sweep('evaluate', n, limited(options), async (from, to) => {
      const out = await engine.call('evaluate', [v.slice(from * size, to * size), to - from], options?.signal)
      assertFiniteRows('logits', out.logits, to - from, from)
      assertFiniteRows('features', out.features, to - from, from)
      logits.set(out.logits, from * classes)
      features.set(out.features, from * dimension)
    })
    return { logits: tensor(logits, [n, classes]), features: tensor(features, [n, dimension]) }
  }

  /** A graph of a fixed batch takes no more rows than that. */
  function limited(options: ClassifierCallOptions | undefined): ClassifierCallOptions | undefined {
    if (batch === 0 || options?.batchSize === undefined) return options
    return { ...options, batchSize: Math.min(options.batchSize, batch) }
  }

  const vjp: Classifier['vjp'] = async (v, cotangents, options) => {
    assertOptions('vjp', options, CALL_OPTIONS)
    const rows = toModel('vjp', v, { input: 'model' })
    const n = rowCount(v)
    const k = (cotangents.logits ?? cotangents.features)?.shape[0] ?? 0
    const parts = { logits: classes, features: dimension } as const
    const flat = Object.fromEntries(
      (['logits', 'features'] as const).map((name) => {
        const u = cotangents[name]
        if (!u) return [name, new Float32Array(k * n * parts[name])]
        if (u.shape.join() !== [k, n, parts[name]].join())
          throw mismatch('E_SHAPE', `vjp ${name}`, `[K, ${n}, ${parts[name]}]`, u.shape)
        assertFinite(`vjp ${name}`, u)
        return [name, Float32Array.from(flatData(u))]
      }),
    ) as Record<'logits' | 'features', Float32Array>
    if (k === 0) throw mismatch('E_ARGUMENT', 'vjp cotangents', 'logits or features, at least one cotangent', 'none')
    const gradient = new Float32Array(k * n * size)
    const logits = new Float32Array(n * classes)
    const features = new Float32Array(n * dimension)
    const block = (data: Float32Array, each: number, from: number, to: number): Float32Array => {
      const out = new Float32Array(k * (to - from) * each)
      for (let i = 0; i < k; i++)
        out.set(data.subarray((i * n + from) * each, (i * n + to) * each), i * (to - from) * each)
      return out
    }
    await engine.sweep('vjp', n, limited(options), async (from, to) => {
      const m = to - from
      const out = await engine.call(
        'vjp',
        [
          rows.slice(from * size, to * size),
          block(flat.logits, classes, from, to),
          block(flat.features, dimension, from, to),
          m,
          k,
        ],
        options?.signal,
      )
      for (let i = 0; i < k; i++)
        gradient.set(out.gradient.subarray(i * m * size, (i + 1) * m * size), (i * n + from) * size)
      logits.set(out.logits, from * classes)
      features.set(out.features, from * dimension)
    })
    assertFinite('vjp gradient', tensor(gradient, [k * n, size]))
    return {
      logits: tensor(logits, [n, classes]),
      features: tensor(features, [n, dimension]),
      gradient: tensor(gradient, [k, ...v.shape]),
    }
  }

  return {
    manifest,
    dataShape,
    classes,
    dimension,
    values: { input: head.input, logits: head.logits, features: head.features },
    ...(head.linear
      ? { head: { weight: tensor(head.linear.weight, [classes, dimension]), bias: head.linear.bias } }
      : {}),
    evaluate,
    logits: async (x, call) => (await evaluate(x, call)).logits,
    features: async (x, call) => (await evaluate(x, call)).features,
    preprocess: async (x, call) => tensor(toModel('preprocess', x, call), [rowCount(x), ...modelShape]),
    vjp,
    release: () => engine.release(),
  }
}

/** The model with the sizes of a row that the caller knows. */
function sized(what: string, model: Model, { input, shape }: ClassifierOptions): Model {
  if (!shape) return model
  if (!(Array.isArray(shape) && shape.length > 0 && shape.every((n) => Number.isSafeInteger(n) && n > 0)))
    throw mismatch('E_ARGUMENT', `${what} shape`, 'sizes of one row', shape)
  const port = model.graph.inputs.find(({ name }) => name === input) ?? model.graph.inputs[0]
  const row = port?.shape?.slice(1)
  if (!port || !row) return model
  const fits = row.length === shape.length && row.every((n, axis) => typeof n === 'string' || n === shape[axis])
  if (!fits) throw mismatch('E_ARGUMENT', `${what} shape`, `[${row.join(', ')}] as input ${port.name} has it`, shape)
  const open = row.flatMap((n, axis) => (typeof n === 'string' ? [[n, shape[axis]!] as const] : []))
  return open.length === 0 ? model : bindSizes(model, Object.fromEntries(open))
}

/** Sizes of the input: a fixed batch (0 for a free one) and one row. */
function inputSizes(
  what: string,
  model: Model,
  input: string,
  { fixedBatch = false }: ClassifierOptions,
): { batch: number; modelShape: number[] } {
  const [batch, ...row]: readonly Dim[] = model.graph.inputs.find(({ name }) => name === input)!.shape ?? []
  if (batch === undefined)
    throw mismatch('E_UNSUPPORTED', `${what} input ${input}`, 'a batch of rows', 'a value of unknown rank')
  if (!row.every((n) => typeof n === 'number') || row.length === 0)
    throw mismatch(
      'E_UNSUPPORTED',
      `${what} input ${input}`,
      'fixed sizes after the batch',
      `[${[batch, ...row].join(', ')}] (pass shape: the sizes of one row)`,
    )
  if (typeof batch === 'number' && !fixedBatch)
    throw mismatch(
      'E_UNSUPPORTED',
      `${what} input ${input}`,
      'a free batch axis',
      `${batch} rows (export it with one, or pass fixedBatch: true)`,
    )
  return { batch: typeof batch === 'number' ? batch : 0, modelShape: row as number[] }
}

/** A manifest for a file that has none: what the graph and the caller say. */
function madeUp(given: Manifest, input: string, shape: number[], specs: readonly TransformSpec[]): Manifest {
  const first = specs.find(({ name }) => name !== 'flatten' && name !== 'identity')
  const bytes = first !== undefined && ['dequantize', 'uniform-noise', 'unit', 'scale'].includes(first.name)
  const { file } = given.graphs.logits!
  // Without preprocessing nobody knows the range; a detector then takes it from its data.
  const data = { dataset: 'unknown', shape, ...(bytes ? { valueRange: [0, 255] } : {}) } as Manifest['data']
  return {
    ...given,
    graphs: { logits: { file, inputs: { [input]: ['N', ...shape] }, outputs: {} } },
    data,
    preprocessing: specs as unknown as Manifest['preprocessing'],
  }
}
