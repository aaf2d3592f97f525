// What becomes of one node test: read, written, simplified, brought to float64, differentiated both ways, and run.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { OodError } from '@ood/core'
import { jvp, type Model, readModel, simplify, type TypedArray, toFloat64, vjp, writeModel } from '@ood/onnx'
import { difference, identical, type Tensors } from './compare.ts'
import { adjoint, againstDifferences, derive, type Setting, seeds } from './derivatives.ts'
import { load, NotRunnable, type Runner } from './engine.ts'
import { type Case, modelBytes, type Tensor, type Value } from './suite.ts'

/** `refused`: an OodError that names the operator. `unrunnable`: the engine does not run the standard's own model. */
export type Kind = 'ok' | 'refused' | 'wrong' | 'crash' | 'invalid' | 'unrunnable'

/** One step of one case. */
export interface Finding {
  readonly case: string
  readonly step: string
  readonly kind: Kind
  readonly detail: string
}

/** Random numbers, which no second run repeats. */
const RANDOM = /^(RandomNormal|RandomUniform|RandomNormalLike|RandomUniformLike|Bernoulli|Multinomial|Dropout)$/

/** That derivatives stop at rounding is known here. */
const onWarning = (): void => {}

/** Operators whose results are whole numbers. */
const ROUNDING = /^(Round|QuantizeLinear|DynamicQuantizeLinear|QLinear)/

/** Step, relative tolerance and rounding of the differences, by the type they are computed in. */
const PRECISION: Record<string, [number, number, number]> = {
  float64: [1e-5, 1e-5, 1e-14],
  float32: [1e-2, 2e-2, 1e-6],
  float16: [6e-2, 0.15, 4e-3],
  bfloat16: [0.25, 0.3, 2e-2],
}

/** Checks one case; files of everything written are left in `folder`/written for onnx.checker. */
export async function checkCase(c: Case, folder: string): Promise<Finding[]> {
  const findings: Finding[] = []
  /** What the engine makes of the standard's own model, which everything else is measured by. */
  let runs: Tensors | undefined
  let lacksKernels = false
  const note = (step: string, kind: Kind, detail = ''): void => void findings.push({ case: c.name, step, kind, detail })
  /** Runs a step; what it throws is a finding. */
  const attempt = async <T>(step: string, work: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await work()
    } catch (error) {
      if (error instanceof OodError) note(step, 'refused', error.message)
      else if (error instanceof NotRunnable) note(step, runs && !lacksKernels ? 'invalid' : 'unrunnable', error.message)
      else note(step, 'crash', (error as Error).stack?.split('\n').slice(0, 3).join(' | ') ?? String(error))
      return undefined
    }
  }
  const keep = (step: string, model: Model): Uint8Array => {
    const bytes = writeModel(model)
    mkdirSync(join(folder, 'written'), { recursive: true })
    writeFileSync(join(folder, 'written', `${c.name}.${step}.onnx`), bytes)
    return bytes
  }

  const model = await attempt('read', () => readModel(modelBytes(folder, c.name)))
  if (!model) return findings
  note('read', 'ok')
  // The engine has few kernels for bfloat16, so other nodes than the model's own may lack one.
  lacksKernels = narrowest(model) === 'bfloat16'
  await attempt('write', () => {
    const again = readModel(keep('write', model))
    const rewritten = { ...model, graph: { ...model.graph, nodes: model.graph.nodes.map((node) => ({ ...node })) } }
    const anew = onlyTensors(model) ? readModel(keep('rewrite', rewritten)) : again
    const same = isDeepStrictEqual(again, model) && isDeepStrictEqual(anew, model)
    note('write', same ? 'ok' : 'wrong', same ? '' : 'read again, the model differs')
  })

  const isRandom = model.graph.nodes.some((node) => RANDOM.test(node.opType))
  const own = await runOnce(model, c.inputs).catch((error: Error) => error)
  if (own instanceof Error) note('run', 'unrunnable', own.message)
  else {
    runs = own
    const wrong = isRandom ? undefined : compare(own, c.outputs, c.rtol, c.atol)
    note('run', 'ok', wrong === undefined ? '' : `the engine itself differs from the standard: ${wrong}`)
  }

  const small = await attempt('simplify', () => {
    const result = simplify(model)
    keep('simplify', result)
    return result
  })
  if (small) {
    await attempt('simplify', async () => {
      // Between half-precision nodes the engine rounds or not as it likes.
      const half = narrowest(model).endsWith('float16')
      const got = runs && !isRandom ? await runOnce(small, c.inputs) : undefined
      const wrong = got && runs && (half ? compare(got, runs, 4e-3, 4e-3) : identical(got, runs))
      note('simplify', wrong ? 'wrong' : 'ok', wrong)
    })
  }

  const wide = await attempt('float64', () => {
    const result = firstThat([model, withConstants(model, c.inputs), withConstants(model, c.inputs, true)], toFloat64)
    keep('float64', result)
    return result
  })
  let wideRuns: Tensors | undefined
  if (wide) {
    await attempt('float64', async () => {
      const got = await runOnce(wide, c.inputs)
      // What is rounded to whole numbers may lie on the other side of a half in more digits.
      const step = model.graph.nodes.some((node) => ROUNDING.test(node.opType)) ? 1 : 0
      const reference = compare(got, c.outputs, 1e-3, 1e-5, step)
      const wrong = isRandom || !reference ? undefined : runs ? compare(got, runs, 1e-3, 1e-5, step) : reference
      note('float64', wrong ? 'wrong' : 'ok', wrong)
      wideRuns = got
    })
  }

  const floating = (ports: readonly { name: string; type: string }[], values: ReadonlyMap<string, Value>): string[] =>
    ports
      .filter(({ name, type }) => /^b?float(16|32|64)$/.test(type) && 'data' in (values.get(name) ?? {}))
      .map(({ name }) => name)
  const inputs = floating(model.graph.inputs, c.inputs)
  const of = floating(model.graph.outputs, c.outputs)
  if (inputs.length === 0 || of.length === 0) return findings

  for (const [step, given, primal] of [
    ['', model, runs ?? tensorsOf(c.outputs)],
    ['float64 ', wide, wideRuns],
  ] as const) {
    if (!given) continue
    const derived = await derivatives(given, c, inputs, of, `${step}jvp`, attempt)
    if (!derived) continue
    const { base, forward, wrt } = derived
    keep(`${step}jvp`.replace(' ', '-'), forward)
    const back = await attempt(`${step}vjp`, () => vjp(base, { wrt, of, onWarning }))
    if (back) keep(`${step}vjp`.replace(' ', '-'), back)
    if (!primal || isRandom) {
      note(`${step}jvp`, 'ok')
      if (back) note(`${step}vjp`, 'ok')
      continue
    }
    const type = narrowest(given)
    const setting: Setting = { wrt, of, inputs: c.inputs, outputs: primal }
    const v = seeds(wrt, c.inputs, 7)
    const u = seeds(of, primal, 1007)
    const precision = PRECISION[type]!
    let tangents: Tensors | undefined
    await attempt(`${step}jvp`, async () => {
      const got = await derive(forward, c.inputs, v, ['_tangent', '_tangent'])
      const tolerance = precision[1] / 10
      const primalWrong = compare(
        got.primal,
        new Map(of.map((name) => [name, primal.get(name)!])),
        tolerance,
        tolerance,
      )
      tangents = got.derivative
      if (!runs && step === '') {
        note(`${step}jvp`, primalWrong ? 'wrong' : 'ok', primalWrong)
        return
      }
      const runner: Runner = await load(base)
      try {
        const wrong =
          primalWrong ??
          (await againstDifferences(runner, setting, v, got.derivative, precision).catch((error: Error) => {
            // Inputs beside the given ones may be outside what the operator takes (scales below 1).
            if (error instanceof NotRunnable) return undefined
            throw error
          }))
        note(`${step}jvp`, wrong ? 'wrong' : 'ok', wrong)
      } finally {
        await runner.release()
      }
    })
    if (!back) continue
    await attempt(`${step}vjp`, async () => {
      const got = await derive(back, c.inputs, u, ['_cotangent', '_cotangent'])
      const tolerance = type === 'float64' ? 1e-10 : precision[1] / 100
      const wrong = tangents && adjoint(setting, v, u, tangents, got.derivative, tolerance)
      note(`${step}vjp`, wrong ? 'wrong' : 'ok', wrong)
    })
  }
  return findings
}

/** What a derivative was made of. */
interface Derived {
  readonly base: Model
  readonly forward: Model
  readonly wrt: readonly string[]
}

/**
 * jvp by all inputs; else with integer inputs (axes, sizes, steps) made constants; else by as many inputs as have a
 * derivative. Each input without one is a refusal.
 */
async function derivatives(
  model: Model,
  c: Case,
  given: readonly string[],
  of: readonly string[],
  step: string,
  attempt: <T>(step: string, work: () => T) => Promise<T | undefined>,
): Promise<Derived | undefined> {
  const bound = withConstants(model, c.inputs)
  const inputs = given.filter((name) => model.graph.inputs.some((port) => port.name === name))
  if (inputs.length === 0) return undefined
  for (const base of [model, bound]) {
    try {
      return { base, forward: jvp(base, { wrt: inputs, of, onWarning }), wrt: inputs }
    } catch (error) {
      if (!(error instanceof OodError) || (base === bound && inputs.length === 1)) {
        await attempt(step, () => {
          throw error
        })
        return undefined
      }
    }
  }
  const wrt: string[] = []
  for (const name of inputs)
    if (await attempt(`${step} by ${name}`, () => jvp(bound, { wrt: [name], of, onWarning }))) wrt.push(name)
  const forward = wrt.length > 0 ? await attempt(step, () => jvp(bound, { wrt, of, onWarning })) : undefined
  return forward && { base: bound, forward, wrt }
}

/** The first result that is not refused; else the refusal of the last. */
function firstThat(models: readonly Model[], make: (model: Model) => Model): Model {
  const [model, ...others] = models as [Model, ...Model[]]
  if (others.length === 0) return make(model)
  try {
    return make(model)
  } catch (error) {
    if (error instanceof OodError) return firstThat(others, make)
    throw error
  }
}

/** The model with its inputs of integers and booleans as constants, and with `lists` short lists of numbers (scales), too. */
function withConstants(model: Model, values: ReadonlyMap<string, Value>, lists = false): Model {
  const initializers = new Map(model.graph.initializers)
  const inputs = model.graph.inputs.filter(({ name, type }) => {
    const value = values.get(name)
    if (!value || !('data' in value)) return true
    if (lists && type === 'float32' && value.shape.length === 1 && value.data.length <= 8) {
      initializers.set(name, { type, shape: value.shape, data: Float32Array.from(value.data as Float64Array) })
      return false
    }
    if (type !== 'int64' && type !== 'int32' && type !== 'bool') return true
    const data = type === 'int32' ? Int32Array.from(value.data as BigInt64Array, Number) : value.data
    initializers.set(name, { type, shape: value.shape, data: data as TypedArray })
    return false
  })
  if (inputs.length === model.graph.inputs.length) return model
  return { ...model, graph: { ...model.graph, inputs, initializers } }
}

async function runOnce(model: Model, inputs: ReadonlyMap<string, Value>): Promise<Map<string, Tensor>> {
  const runner = await load(model)
  try {
    return await runner.run(inputs)
  } finally {
    await runner.release()
  }
}

function compare(
  got: Tensors,
  expected: ReadonlyMap<string, Value>,
  rtol: number,
  atol: number,
  step = 0,
): string | undefined {
  for (const [name, value] of expected) {
    const wrong = difference(got.get(name), value, rtol, value.kind === 'int64' ? atol + step : atol)
    if (wrong) return `${name}: ${wrong}`
  }
  return undefined
}

/** Expected outputs, if all are tensors of numbers. */
function tensorsOf(values: ReadonlyMap<string, Value>): Tensors | undefined {
  const tensors = [...values].flatMap(([name, value]): [string, Tensor][] => ('data' in value ? [[name, value]] : []))
  return tensors.length === values.size ? new Map(tensors) : undefined
}

/** The least precise floating-point type at a model's boundary. */
function narrowest(model: Model): string {
  const types = [...model.graph.inputs, ...model.graph.outputs].map((port) => port.type)
  return ['bfloat16', 'float16', 'float32'].find((type) => types.some((t) => t === type)) ?? 'float64'
}

/** Types of sequences and optionals are only in the file's own message, which a rewritten graph no longer has. */
function onlyTensors(model: Model): boolean {
  return [...model.graph.inputs, ...model.graph.outputs].every((port) => port.type !== 'other')
}
