// K directional derivatives at once, of the flow decoder and of a UNet, against torch.func on the same model.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { normals, random, tensor } from '@ood/core'
import { readNpy, writeNpy } from '@ood/datasets'
import { jvp, type Model, readModel, writeModel } from '@ood/onnx'
import { openSession, type TensorValue } from '@ood/runtime'
import { checkpointPath } from '@ood/zoo'
import { measure, round } from '../measure.ts'
import type { Context, Measured, Row } from '../types.ts'
import { multiplications } from '../work.ts'

type Name = 'flow decoder' | 'UNet'
type Mode = 'vmap' | 'jacfwd'
type Feeds = Record<string, TensorValue>

const DECODE = `${checkpointPath('flow-fmnist')}/decode.onnx`
const SMALL_UNET = fileURLToPath(new URL('../../packages/onnx/test/models/fixtures/unet.dynamo.onnx', import.meta.url))
/** Directions a run is tried with; the best is used, as the peer's chunk size is. */
const CHUNKS = [8, 16, 28, 49, 98, 196, 392, 784]

/** `vmap` is the fastest of torch.func.vmap(jvp) over chunk sizes; `jacfwd` is torch.func.jacfwd of s -> f(x + s V). */
export const jvpRows: Row[] = (['flow decoder', 'UNet'] as const).flatMap((name) =>
  ([64, 784] as const).flatMap((k) =>
    (['vmap', 'jacfwd'] as const).map((mode) => ({
      name: `jvp of the ${name}, K = ${k}, vs ${mode === 'vmap' ? 'fastest vmap(jvp)' : 'jacfwd'}`,
      run: (context: Context) => row(context, name, k, mode),
    })),
  ),
)

async function row(context: Context, name: Name, directions: number, mode: Mode): Promise<Measured> {
  const { peer, peaks, folder, quick } = context
  const k = quick ? 8 : directions
  context.pin(1)
  const subject = name === 'UNet' ? await unet(context) : await flow()
  const derivative = jvp(subject.model, { wrt: [subject.wrt], of: [subject.of] })
  const session = await openSession(writeModel(derivative), { threads: 1 })
  const primal = await openSession(writeModel(subject.model), { threads: 1 })
  try {
    const x = subject.feeds[subject.wrt]!
    const V = Float32Array.from(normals(random(8), k * x.data.length))
    const run = async (chunk: number): Promise<Float32Array[]> => {
      const parts: Float32Array[] = []
      for (let from = 0; from < k; from += chunk) {
        const part = V.subarray(from * x.data.length, Math.min(k, from + chunk) * x.data.length)
        const tangent = { data: part, shape: [part.length / x.data.length, ...x.shape] }
        const out = await session.run({ ...subject.feeds, [`${subject.wrt}_tangent`]: tangent }, [
          `${subject.of}_tangent`,
        ])
        parts.push(out[`${subject.of}_tangent`]!.data as Float32Array)
      }
      return parts
    }
    const tried = new Map<number, number>()
    for (const chunk of quick ? [k] : [...CHUNKS.filter((c) => c < k), k])
      tried.set(chunk, await best(() => run(chunk), 2))
    const chunk = [...tried].reduce((a, b) => (b[1] < a[1] ? b : a))[0]
    const primalMs = await best(() => primal.run(subject.feeds), 10)
    const batchedMs = await best(() => primal.run(repeated(subject.feeds, k)), 2)

    let said: Record<string, unknown> = {}
    let agreement = {}
    if (peer) {
      const size = numberOf(derivative, subject.of, x.data.length)
      const r = normals(random(9), size)
      await writeNpy(`${folder}/V.npy`, tensor(V, [k, ...x.shape]))
      await writeNpy(`${folder}/r.npy`, tensor(Float32Array.from(r), [size]))
      await writeNpy(`${folder}/x.npy`, tensor(x.data as Float32Array, [...x.shape]))
      const files = { onnx: DECODE, x: `${folder}/x.npy`, t: `${folder}/t.npy` }
      const options = { ...files, directions: `${folder}/V.npy`, weights: `${folder}/r.npy`, threads: 1, mode, quick }
      said = await peer.prepare('jvp', { model: name === 'UNet' ? 'unet' : 'flow', ...options })
      agreement = compare(await run(chunk), r, (await peer.run('jvp')).result.dots as number[])
    }
    const flops = 2 * (k + 1) * multiplications(subject.model)
    const result = await measure(context, {
      threads: 1,
      ours: () => run(chunk),
      peer: peer && (() => peer.run('jvp')),
      peerName: `PyTorch ${said.route}`,
      bound: {
        ms: flops / peaks.float32[1],
        of: 'flops',
        work: `${round(flops / 1e9)} Gflop float32: products of the primal and of ${k} plain directions`,
      },
      aimRatio: mode === 'jacfwd' ? 5 : 2,
      details: {
        model: subject.about,
        ours: `${chunk} directions a run (${[...tried].map(([c, ms]) => `${c}: ${round(ms)}`).join(', ')} ms)`,
        nodes: `${subject.model.graph.nodes.length} -> ${derivative.graph.nodes.length}`,
        bytes: `${writeModel(subject.model).length} -> ${writeModel(derivative).length}`,
        primal_ms: round(primalMs),
        primal_ms_in_a_batch_of_k: round(batchedMs / k),
        ...(said.tried ? { peer_tried_ms: String(said.tried) } : {}),
        ...(peer ? { peer_primal_ms: round(said.primal_ms as number) } : {}),
        ...agreement,
      },
    })
    // The aim asked for: K directions cost at most 1.2 times K evaluations of the model.
    result.details.cost_in_primals_per_direction = round(result.ours_ms / (k * primalMs))
    result.details.cost_in_batched_primals_per_direction = round(result.ours_ms / batchedMs)
    return result
  } finally {
    await session.release()
    await primal.release()
  }
}

interface Subject {
  model: Model
  wrt: string
  of: string
  feeds: Feeds
  about: string
}

async function flow(): Promise<Subject> {
  const z = { data: Float32Array.from(normals(random(7), 784)), shape: [1, 784] }
  return {
    model: readModel(await readFile(DECODE)),
    wrt: 'z',
    of: 'x',
    feeds: { z },
    about: 'flow-fmnist, decode.onnx',
  }
}

/** The peer writes the UNet; without Python the small one of the tests shows that the row runs. */
async function unet({ peer, folder, quick }: Context): Promise<Subject> {
  const names = { wrt: 'x', of: 'y' }
  if (!peer) {
    const x = { data: Float32Array.from(normals(random(7), 64)), shape: [1, 1, 8, 8] }
    const feeds = { x, t: { data: Float32Array.of(0.3), shape: [1] } }
    return { model: readModel(await readFile(SMALL_UNET)), ...names, feeds, about: 'small UNet on 8 x 8 (no Python)' }
  }
  const onnx = `${folder}/unet.onnx`
  const { parameters } = await peer.prepare('unet', { onnx, x: `${folder}/x.npy`, t: `${folder}/t.npy`, quick })
  const [x, t] = await Promise.all([readNpy(`${folder}/x.npy`), readNpy(`${folder}/t.npy`)])
  const feeds = { x: value(x), t: value(t) }
  return { model: readModel(await readFile(onnx)), ...names, feeds, about: `UNet on 28 x 28, ${parameters} parameters` }
}

function value(array: { readonly data: unknown; readonly shape: readonly number[] }): TensorValue {
  return { data: array.data as Float32Array, shape: array.shape }
}

function repeated(feeds: Feeds, k: number): Feeds {
  const entries = Object.entries(feeds).map(([name, { data, shape }]): [string, TensorValue] => {
    const values = new Float32Array(k * data.length)
    for (let i = 0; i < k; i++) values.set(data as Float32Array, i * data.length)
    return [name, { data: values, shape: [k, ...shape.slice(1)] }]
  })
  return Object.fromEntries(entries)
}

/** Elements of one row of an output. */
function numberOf(model: Model, output: string, fallback: number): number {
  const shape = model.graph.outputs.find((y) => y.name === output)?.shape?.slice(1) ?? []
  return shape.every((n) => typeof n === 'number') ? (shape as number[]).reduce((p, n) => p * n, 1) : fallback
}

/** Both sides' J V, each direction's row times the same vector r. */
function compare(parts: Float32Array[], r: ArrayLike<number>, theirs: readonly number[]): Record<string, number> {
  const rows = parts.flatMap((part) => {
    return Array.from({ length: part.length / r.length }, (_, i) => part.subarray(i * r.length, (i + 1) * r.length))
  })
  const mine = rows.map((row) => row.reduce((sum, v, i) => sum + v * r[i]!, 0))
  const scale = Math.max(...theirs.map(Math.abs))
  return { jvp_relative_difference: round(Math.max(...mine.map((v, i) => Math.abs(v - theirs[i]!))) / scale) }
}

/** Best of some runs, in milliseconds. */
async function best(work: () => unknown, runs: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i <= runs; i++) {
    const start = performance.now()
    await work()
    if (i > 0) least = Math.min(least, performance.now() - start)
  }
  return least
}
