// Opens a sequence checkpoint: next-step log-probabilities of a model over tokens given as an ONNX graph.
import {
  assertBatch,
  assertFiniteRows,
  assertOptions,
  CALL_OPTIONS,
  flatData,
  mismatch,
  type NdArray,
  rowCount,
  rowSize,
  tensor,
} from '@ood/core'
import { type Checkpoint, type Manifest, openModelFolder, startEngine, taskModule } from '@ood/runtime'
import { engineSettings } from './engine-options.ts'
import { assertWholeNumbers } from './internal/pixels.ts'
import { openSequenceKernels } from './internal/sequence-kernels.ts'
import type { SequenceCallOptions, SequenceLogProb, SequenceModel, SequenceOptions } from './sequence.ts'

const FOLDER = 'a sequence folder: manifest.json of kind sequence and a graph logits: tokens [N, T] -> logits [N, T, V]'

/**
 * Opens an autoregressive sequence model, such as an LSTM over bases, from its checkpoint folder or an opened checkpoint.
 *
 * The folder holds `manifest.json` with `sequence: { vocabulary }` and one graph: `tokens` [N, T] int64 to `logits`
 * [N, T, V], of which those at position t predict token t + 1. T may be free or fixed; the network is fed tokens
 * 1..T-1, or all of them where its T asks for it.
 *
 * @param source - folder, or the result of `openCheckpoint`
 * @throws OodError `E_FILE`, `E_MANIFEST`, `E_CHECKSUM` saying what the folder lacks; `E_ARGUMENT`, `E_UNKNOWN_NAME`
 * @example
 * const model = await openSequenceModel('checkpoints/lstm-genome', { instance: 'mean' })
 * const { instance, feature } = await model.logProb(sequences) // [N, 250] -> [N] and [N, 249]
 * await model.release()
 */
export async function openSequenceModel(
  source: string | Checkpoint,
  options: SequenceOptions = {},
): Promise<SequenceModel> {
  const settings = engineSettings('openSequenceModel', options, ['instance', 'logProb'])
  const { instance = 'sum', logProb: score } = options
  if (instance !== 'sum' && instance !== 'mean') throw mismatch('E_ARGUMENT', 'instance', 'sum or mean', instance)
  const checkpoint = await openModelFolder(source, FOLDER)
  const { manifest, folder } = checkpoint
  const { vocabulary, length: fixed } = sequenceFacts(manifest, folder)
  const graph = await checkpoint.graph('logits')
  const { device, threads } = settings
  const engine = startEngine({
    setup: { name: manifest.name, graph, device, threads, vocabulary },
    settings,
    open: openSequenceKernels,
    tasks: taskModule('./internal/sequence-tasks.ts', import.meta.url),
  })

  /** Runs `run` on the tokens of row ranges, with how many of each row the network is fed. */
  async function batches(
    label: string,
    x: NdArray,
    options: SequenceCallOptions | undefined,
    run: (tokens: Int32Array, fed: number, from: number, to: number) => Promise<void>,
  ): Promise<void> {
    assertOptions(label, options, CALL_OPTIONS)
    assertBatch(label, x)
    const length = x.shape[1] ?? 0
    const wanted = fixed === undefined ? 'T >= 2' : `T = ${fixed} or ${fixed + 1}`
    const fits = fixed === undefined ? length >= 2 : length === fixed || length === fixed + 1
    if (x.shape.length !== 2 || !fits || length < 2)
      throw mismatch('E_SHAPE', label, `shape [N, T] with ${wanted}`, `[${x.shape.join(', ')}]`)
    assertWholeNumbers(label, x, 0, vocabulary - 1)
    const data = flatData(x)
    await engine.sweep(label, rowCount(x), options, (from, to) =>
      run(Int32Array.from(data.subarray(from * length, to * length)), fixed ?? length - 1, from, to),
    )
  }

  async function logits(x: NdArray, options?: SequenceCallOptions): Promise<NdArray<Float32Array>> {
    const steps = (x.shape[1] ?? 1) - 1
    const size = steps * vocabulary
    const out = new Float32Array(Math.max(0, rowCount(x) * size))
    await batches('logits', x, options, async (tokens, fed, from, to) => {
      const got = await engine.call('logits', [tokens, steps + 1, fed], options?.signal)
      assertFiniteRows('logits', got, to - from, from)
      out.set(got, from * size)
    })
    return tensor(out, [rowCount(x), steps, vocabulary])
  }

  async function logProb(x: NdArray, options?: SequenceCallOptions): Promise<SequenceLogProb> {
    const n = rowCount(x)
    const length = x.shape[1] ?? 0
    let shape = [length - 1]
    let out = new Float64Array(Math.max(0, n * (length - 1)))
    let begun = false
    await batches('logProb', x, options, async (tokens, fed, from, to) => {
      if (!score) {
        out.set(await engine.call('logProb', [tokens, length, fed], options?.signal), from * (length - 1))
        assertFiniteRows('logProb', out.subarray(from * (length - 1), to * (length - 1)), to - from, from)
        return
      }
      const got = await engine.call('logits', [tokens, length, fed], options?.signal)
      const targets = Float32Array.from(tokens.filter((_, i) => i % length > 0))
      const feature = await score(
        tensor(targets, [to - from, length - 1]),
        tensor(got, [to - from, length - 1, vocabulary]),
      )
      if (!begun) {
        begun = true
        shape = feature.shape.slice(1)
        out = new Float64Array(n * rowSize(feature))
      }
      if (feature.shape.join() !== [to - from, ...shape].join())
        throw mismatch('E_SHAPE', 'logProb callback', `shape [${[to - from, ...shape].join(', ')}]`, feature.shape)
      assertFiniteRows('logProb callback', flatData(feature), to - from, from)
      out.set(flatData(feature), from * rowSize(feature))
    })
    return reduced(out, n, shape, instance)
  }

  return {
    manifest,
    dataShape: manifest.data.shape,
    vocabulary,
    instance,
    logProb,
    logits,
    release: () => engine.release(),
  }
}

/** Per-step numbers with their sums or means. */
function reduced(feature: Float64Array, n: number, shape: readonly number[], by: 'sum' | 'mean'): SequenceLogProb {
  const size = shape.reduce((product, k) => product * k, 1)
  const instance = new Float64Array(n)
  for (let row = 0; row < n; row++) {
    let sum = 0
    for (let i = row * size; i < (row + 1) * size; i++) sum += feature[i]!
    instance[row] = by === 'sum' ? sum : sum / size
  }
  return { instance, feature: tensor(feature, [n, ...shape]) }
}

/** Vocabulary and, where the graph fixes it, the number of tokens it takes. */
function sequenceFacts(manifest: Manifest, folder: string): { vocabulary: number; length: number | undefined } {
  const fail = (field: string, expected: string, got: unknown) =>
    mismatch('E_MANIFEST', `${folder} ${field}`, expected, got)
  if (manifest.kind !== 'sequence') throw fail('kind', 'sequence', manifest.kind)
  if (!manifest.sequence) throw fail('sequence', '{ vocabulary }', manifest.sequence)
  const { vocabulary } = manifest.sequence
  const { inputs, outputs } = manifest.graphs.logits!
  const { tokens } = inputs
  const length = tokens?.[1]
  if (tokens?.length !== 2 || typeof tokens[0] !== 'string' || length === undefined)
    throw fail('graphs.logits.inputs.tokens', 'shape [N, T]', tokens)
  const { logits } = outputs
  if (logits?.length !== 3 || logits[2] !== vocabulary)
    throw fail('graphs.logits.outputs.logits', `shape [N, T, ${vocabulary}]`, logits)
  return { vocabulary, length: typeof length === 'number' ? length : undefined }
}
