// Runs models with ports of any element type: types that cannot cross to the engine are cast inside the graph.
import type { Attribute, ElementType, Model, Node, ValueInfo } from '@ood/onnx'
import { writeModel } from '@ood/onnx'
import { openSession, type Session, type TensorValue } from '@ood/runtime'
import type { Tensor, Value } from './suite.ts'

/** Why a model could not be run. */
export class NotRunnable extends Error {}

/** A model that is loaded; `run` takes every input by name. */
export interface Runner {
  run(feeds: ReadonlyMap<string, Value>): Promise<Map<string, Tensor>>
  release(): Promise<void>
}

const CODES: Partial<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
  float8e4m3fn: 17,
  float8e4m3fnuz: 18,
  float8e5m2: 19,
  float8e5m2fnuz: 20,
  uint4: 21,
  int4: 22,
  float4e2m1: 23,
  float8e8m0: 24,
}

/** Newest file format that the engine reads. */
const NEWEST_IR = 13
/** Newest standard operator set that the engine knows; what later ones changed is in the new operators. */
const NEWEST_OPSET = 27

const CROSSING: readonly ElementType[] = ['float32', 'float64', 'int64', 'bool']

/** The type that stands for another one at the boundary. */
function crossing(type: ElementType): ElementType {
  if (CROSSING.includes(type)) return type
  return type.includes('float') ? 'float32' : 'int64'
}

/** The model with only float32, float64, int64 and bool at its boundary. */
function portable(model: Model): Model {
  const { graph } = model
  const before: Node[] = []
  const after: Node[] = []
  const cast = (from: string, to: string, type: ElementType): Node => {
    const attributes: Record<string, Attribute> = { to: { kind: 'int', value: CODES[type]! } }
    return { opType: 'Cast', domain: '', name: `port/cast/${to}`, inputs: [from], outputs: [to], attributes }
  }
  const changed = (port: ValueInfo): ValueInfo | undefined => {
    if (CODES[port.type] === undefined) throw new NotRunnable(`port ${port.name} is no tensor of numbers`)
    const type = crossing(port.type)
    return type === port.type ? undefined : { ...port, name: `port/${port.name}`, type }
  }
  const inputs = graph.inputs.map((port) => {
    const other = changed(port)
    if (other) before.push(cast(other.name, port.name, port.type))
    return other ?? port
  })
  const outputs = graph.outputs.map((port) => {
    const other = changed(port)
    if (other) after.push(cast(port.name, other.name, other.type))
    return other ?? port
  })
  const opset = model.opsets['']
  const known = opset === undefined ? {} : { '': Math.min(opset, NEWEST_OPSET) }
  const aged = { ...model, irVersion: Math.min(model.irVersion, NEWEST_IR), opsets: { ...model.opsets, ...known } }
  if (before.length + after.length === 0) return aged
  return { ...aged, graph: { ...graph, inputs, outputs, nodes: [...before, ...graph.nodes, ...after] } }
}

/** Loads a model; what the engine does not load is `NotRunnable`. */
export async function load(model: Model): Promise<Runner> {
  const wrapped = portable(model)
  let session: Session
  try {
    session = await openSession(writeModel(wrapped), { threads: 1, optimization: 'disabled' })
  } catch (error) {
    throw new NotRunnable((error as Error).message)
  }
  return {
    async run(feeds) {
      const given: Record<string, TensorValue> = {}
      for (const port of wrapped.graph.inputs) {
        const value = feeds.get(port.name.replace(/^port\//, ''))
        if (value) given[port.name] = feed(value, port.type)
      }
      let results: Record<string, TensorValue>
      try {
        results = await session.run(given)
      } catch (error) {
        throw new NotRunnable((error as Error).message)
      }
      return new Map(Object.entries(results).map(([name, value]) => [name.replace(/^port\//, ''), tensor(value)]))
    },
    release: () => session.release(),
  }
}

function feed(value: Value, type: ElementType): TensorValue {
  if (!('data' in value)) throw new NotRunnable(`input is ${value.kind}`)
  const { shape, data } = value
  if (type === 'int64') return { shape, data: BigInt64Array.from(data as BigInt64Array, BigInt) }
  if (type === 'bool') return { shape, data: Uint8Array.from(data as Uint8Array) }
  const numbers = Float64Array.from(data as Float64Array, Number)
  return { shape, data: type === 'float32' ? Float32Array.from(numbers) : numbers }
}

function tensor({ data, shape }: TensorValue): Tensor {
  if (data instanceof BigInt64Array) return { kind: 'int64', shape, data }
  if (data instanceof Uint8Array) return { kind: 'bool', shape, data }
  return { kind: 'float64', shape, data: Float64Array.from(data as Float64Array) }
}
