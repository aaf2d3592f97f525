// log p of the encoder as a graph, with its gradient and the products of its Hessian: reverse mode, and forward over it.
import { mismatch, once } from '@ood/core'
import { graphBuilder, int, jvp, type Model, readModel, vjp, writeModel } from '@ood/onnx'
import { feedNumbers, openSession, type Session, takeFloats, toFloat32 } from '@ood/runtime'
import type { KernelSetup } from './kernel-setup.ts'

/** Derivatives of log p by rows in model space. */
export interface DensityGraphs {
  /** ∂ log p / ∂x of `rows` rows, with latents and log-determinants. */
  gradient(x: Float32Array, rows: number): Promise<{ z: Float32Array; logDet: Float64Array; gradient: Float32Array }>
  /** Hessian of log p times directions `v` [k, rows, D]. */
  hessian(x: Float32Array, v: Float32Array, rows: number, k: number): Promise<Float32Array>
  release(): Promise<void>
}

/**
 * Differentiates the encoder on first use. With u(x) = log |det| - ½ |z|², log p up to a constant, the gradient is one
 * vector-Jacobian product of u, and the Hessian's products are the Jacobian-vector products of that graph.
 */
export function openDensityGraphs(setup: KernelSetup): DensityGraphs {
  const { encode, device, dimension: d, modelShape, name } = setup
  const what = `${name} density derivative`
  const open = (model: Model): Promise<Session> => openSession(writeModel(model), { device, threads: 1, name: what })
  const reverse = (of: readonly string[]): Model => vjp(logDensity(readModel(encode)), { wrt: ['x'], of })
  const first = once(() => open(withLatents(reverse(['log_density']))))
  const second = once(() => open(short(jvp(reverse(['log_density']), { wrt: ['x'], of: ['x_cotangent'] }), what)))
  const ones = (session: Session, rows: number) =>
    feedNumbers(session, 'log_density_cotangent', new Float32Array(rows).fill(1), [1, rows])

  return {
    async gradient(x, rows) {
      const session = await first.get()
      const feeds = {
        x: feedNumbers(session, 'x', x, [rows, ...modelShape]),
        log_density_cotangent: ones(session, rows),
      }
      const { z, logdet, x_cotangent } = await session.run(feeds, ['z', 'logdet', 'x_cotangent'])
      return {
        z: toFloat32(takeFloats(what, z, rows * d)),
        logDet: Float64Array.from(takeFloats(what, logdet, rows)),
        gradient: toFloat32(takeFloats(what, x_cotangent, rows * d)),
      }
    },
    async hessian(x, v, rows, k) {
      const session = await second.get()
      const feeds = {
        x: feedNumbers(session, 'x', x, [rows, ...modelShape]),
        log_density_cotangent: ones(session, rows),
        x_tangent: feedNumbers(session, 'x_tangent', v, [k, rows, ...modelShape]),
      }
      const { x_cotangent_tangent } = await session.run(feeds, ['x_cotangent_tangent'])
      return toFloat32(takeFloats(what, x_cotangent_tangent, k * rows * d))
    },
    async release() {
      await first.release()
      await second.release()
    },
  }
}

/** Nodes up to which a second derivative is run: the engine's planner takes time in their square (6 s for 3500 nodes). */
const MOST_NODES = 8000

/** Spline couplings have second derivatives of thousands of nodes each. */
function short(model: Model, what: string): Model {
  const { length } = model.graph.nodes
  if (length > MOST_NODES)
    throw mismatch(
      'E_UNSUPPORTED',
      `${what} of second order`,
      `a graph of at most ${MOST_NODES} nodes (differenceDensity(flow.density, shape) takes differences of gradients)`,
      `${length} nodes`,
    )
  return model
}

/** The encoder with a further output `log_density` [N] = logdet - ½ |z|². */
function logDensity(encoder: Model): Model {
  const g = graphBuilder({ from: encoder })
  for (const { name, type, shape } of encoder.graph.outputs) g.output(name, name, { type, shape })
  const { type } = g.info('z')
  const square = g.op('ReduceSum', [g.op('Mul', ['z', 'z']), g.int64([1])], { keepdims: int(0) })
  g.output('log_density', g.op('Sub', ['logdet', g.op('Mul', [square, g.scalar(type, 0.5)])]))
  return g.model()
}

/** The derivative with the encoder's own outputs beside it: the primal is in it anyway. */
function withLatents(model: Model): Model {
  const g = graphBuilder({ from: model })
  for (const { name, type, shape } of model.graph.outputs) g.output(name, name, { type, shape })
  for (const name of ['z', 'logdet']) g.output(name, name)
  return g.model()
}
