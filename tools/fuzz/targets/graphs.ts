// ONNX graphs: files damaged as bytes and as graphs are read, simplified, differentiated, rewritten and written again.
import type { Random } from '@ood/core'
import { inspect, jacobian, jvp, type Model, readModel, simplify, summary, toFloat64, vjp, writeModel } from '@ood/onnx'
import { fixtures } from '../corpus.ts'
import { damaged } from '../mutate.ts'
import { damagedModel } from '../mutate-model.ts'
import { type Keep, pick, type Target, Wrong } from '../target.ts'

/** Small graphs of the test folders; larger ones would be most of the time and no more of the code. */
const inputs = (): Uint8Array[] => [
  ...fixtures('packages/onnx/test/fixtures', /\.onnx$/, 7000),
  ...fixtures('packages/onnx/test/models/fixtures', /\.onnx$/, 7000),
  ...fixtures('packages/runtime/test/fixtures', /\.onnx$/, 7000),
  ...fixtures('packages/models-diffusion/test/fixtures', /\.onnx$/, 7000),
]

/** One transformation of the graph, with inputs and outputs that it may or may not have. */
function transformed(model: Model, rng: Random): Model {
  const { graph } = model
  const names = (ports: readonly { name: string }[]): string[] => ports.map(({ name }) => name)
  const wrt = rng.integer(20) === 0 ? ['no such input'] : names(graph.inputs).filter(() => rng.integer(3) > 0)
  const of = names(graph.outputs).filter(() => rng.integer(4) > 0)
  // A recurrent layer of a thousand steps is unrolled to tens of thousands of nodes: seconds of honest work.
  const which = isLong(model) ? 5 : rng.integer(6)
  if (which === 0) return jvp(model, { wrt, ...(of.length > 0 ? { of } : {}) })
  if (which === 1) return vjp(model, { wrt, ...(of.length > 0 ? { of } : {}) })
  if (which === 2) return toFloat64(model, { fallback: pick(rng, ['error', 'float32']) })
  if (which === 3) return jacobian(model, { wrt: wrt[0] ?? 'x', ...(of.length > 0 ? { of } : {}) })
  return simplify(model)
}

/** Has the graph a layer that is unrolled, and a size that may be its number of steps and is large? */
function isLong({ graph }: Model): boolean {
  const unrolled = graph.nodes.some(({ opType }) => /^(GRU|LSTM|RNN|Scan|Loop)$/.test(opType))
  const shapes = [...graph.inputs, ...graph.valueInfo.values()].map(({ shape }) => shape ?? [])
  return unrolled && shapes.flat().some((size) => typeof size === 'number' && size > 100)
}

function work(model: Model, rng: Random): 'ok' {
  inspect(model)
  const written = writeModel(model)
  const again = writeModel(readModel(written))
  if (Buffer.compare(written, again) !== 0) throw new Wrong('other bytes when read and written again')
  if (rng.integer(4) === 0) summary(model)
  const result = writeModel(transformed(model, rng))
  if (Buffer.compare(writeModel(readModel(result)), result) !== 0) throw new Wrong('a result that is written otherwise')
  return 'ok'
}

const asBytes: Target = {
  name: 'onnx bytes',
  weight: 12,
  async open() {
    const files = inputs()
    return async (rng, keep) => {
      const bytes = damaged(pick(rng, files), rng, pick(rng, files))
      keep('x.onnx', bytes)
      return work(readModel(bytes), rng)
    }
  },
}

const asGraphs: Target = {
  name: 'onnx graphs',
  weight: 12,
  async open() {
    const models = inputs().map((bytes) => readModel(bytes))
    return async (rng, keep: Keep) => {
      const model = damagedModel(pick(rng, models), rng)
      const bytes = writeModel(model)
      keep('x.onnx', bytes)
      return work(readModel(bytes), rng)
    }
  },
}

export const graphs: readonly Target[] = [asBytes, asGraphs]
