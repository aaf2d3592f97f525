// A model at a glance: ports, operators, parameters, bytes, multiplications; as values and as a table of text.
import { atModel } from './at-node.ts'
import { attribute } from './attributes.ts'
import { inferModel } from './infer/infer.ts'
import type { Info } from './infer/shape-rule.ts'
import { derivativeLimits } from './lower/without-derivative.ts'
import { isExternal } from './storage.ts'
import { byteSize, count } from './tensors.ts'
import type { Dim, ElementType, Graph, Model, Node, Tensor, ValueInfo } from './types.ts'

/** One operator of a model. */
export interface OperatorSummary {
  /** With its domain in front unless that is the standard one. */
  readonly name: string
  readonly count: number
  /** Numbers in floating-point weights that these nodes read; a weight of several nodes counts at the first. */
  readonly parameters: number
  /** Floating-point operations of one run; undefined when a size that decides it is not known. */
  readonly flops: number | undefined
}

/** What `summary` finds. `String(summary(model))` is the table. */
export interface Summary {
  readonly producer: string
  readonly irVersion: number
  readonly opsets: Readonly<Record<string, number>>
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  /** Most floating-point operations first, then most frequent. */
  readonly operators: readonly OperatorSummary[]
  readonly nodes: number
  readonly functions: number
  /** Operators that derivatives are refused through. */
  readonly notDifferentiable: readonly string[]
  /** Operators that derivatives are 0 through because they round to a quantized type (see `straightThrough`). */
  readonly rounding: readonly string[]
  readonly parameters: number
  /** Bytes of constants, and how many of them lie in other files. */
  readonly bytes: number
  readonly externalBytes: number
  /** Bytes of constants by element type. */
  readonly bytesByType: Readonly<Partial<Record<ElementType, number>>>
  /** Sum over the operators whose sizes are known; a lower bound when `flopsComplete` is false. */
  readonly flops: number
  readonly flopsComplete: boolean
  toString(): string
}

/**
 * Summarises a model. Floating-point operations are estimates from shapes: a multiply-add counts two (Conv, ConvTranspose,
 * MatMul, Gemm), anything else that makes floats one for each number made, movements none. Subgraphs count once.
 *
 * @param options - `sizes`: numbers for symbolic sizes (`{ N: 1 }`), so that more is known
 * @example
 * console.log(String(summary(model, { sizes: { N: 1 } })))
 */
export function summary(model: Model, options: { readonly sizes?: Readonly<Record<string, number>> } = {}): Summary {
  return atModel('summary', () => countedOf(model, options))
}

function countedOf(model: Model, options: { readonly sizes?: Readonly<Record<string, number>> }): Summary {
  const fixed = withSizes(model, options.sizes ?? {})
  const rows = new Map<string, { count: number; parameters: number; flops: number; known: boolean }>()
  const counted = new Set<Tensor>()
  visit(fixed.graph, inferModel(fixed), (node, info, constants) => {
    const name = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`
    const row = rows.get(name) ?? { count: 0, parameters: 0, flops: 0, known: true }
    rows.set(name, row)
    row.count++
    for (const input of node.inputs) {
      const tensor = constants.get(input)
      if (tensor && isFloat(tensor.type) && !counted.has(tensor)) {
        counted.add(tensor)
        row.parameters += count(tensor.shape)
      }
    }
    const flops = flopsOf(node, info)
    if (flops === undefined) row.known = false
    else row.flops += flops
  })
  const operators = [...rows]
    .map(([name, { known, flops, ...row }]): OperatorSummary => ({ name, ...row, flops: known ? flops : undefined }))
    .sort((a, b) => (b.flops ?? 0) - (a.flops ?? 0) || b.count - a.count || (a.name < b.name ? -1 : 1))
  const weights = weightBytes(model.graph)
  const limits = derivativeLimits(model)
  const result = {
    producer: model.producer,
    irVersion: model.irVersion,
    opsets: model.opsets,
    inputs: fixed.graph.inputs,
    outputs: fixed.graph.outputs,
    operators,
    nodes: operators.reduce((sum, row) => sum + row.count, 0),
    functions: model.functions.length,
    notDifferentiable: limits.refused,
    rounding: limits.rounding,
    ...weights,
    flops: [...rows.values()].reduce((sum, row) => sum + row.flops, 0),
    flopsComplete: operators.every((row) => row.flops !== undefined),
  }
  return { ...result, toString: () => table(result) }
}

const isFloat = (type: ElementType): boolean => type.startsWith('float') || type === 'bfloat16'

/** The model with numbers for named sizes. */
function withSizes(model: Model, sizes: Readonly<Record<string, number>>): Model {
  const known = (dim: Dim): Dim => (typeof dim === 'string' && Object.hasOwn(sizes, dim) ? sizes[dim]! : dim)
  const port = (v: ValueInfo): ValueInfo => ({ ...v, shape: v.shape?.map(known) })
  const { graph } = model
  // Recorded shapes may speak of the names; what is inferred from the inputs is enough.
  const valueInfo = new Map([...graph.valueInfo].map(([name, v]) => [name, port(v)]))
  return { ...model, graph: { ...graph, inputs: graph.inputs.map(port), outputs: graph.outputs.map(port), valueInfo } }
}

type See = (node: Node, info: (name: string) => Info | undefined, constants: ReadonlyMap<string, Tensor>) => void

/** Every node, subgraphs included; values within subgraphs are not inferred. */
function visit(graph: Graph, infos: ReadonlyMap<string, Info>, see: See): void {
  for (const node of graph.nodes) {
    see(node, (name) => infos.get(name), graph.initializers)
    for (const a of Object.values(node.attributes)) {
      if (a.kind !== 'graph') continue
      const inner = new Map<string, Info>([...a.value.valueInfo.values(), ...a.value.outputs].map((v) => [v.name, v]))
      visit(a.value, inner, see)
    }
  }
}

const products = new Set(['Conv', 'ConvTranspose', 'MatMul', 'Gemm'])
const movements = new Set(
  (
    'Reshape Flatten Squeeze Unsqueeze Transpose Identity Concat Split Slice Gather GatherElements GatherND Expand Tile Pad ' +
    'Shape Size Constant ConstantOfShape Cast DepthToSpace SpaceToDepth ScatterND ScatterElements Where Dropout'
  ).split(' '),
)

const known = (info: Info | undefined): readonly number[] | undefined =>
  info?.shape?.every((dim) => typeof dim === 'number') ? (info.shape as number[]) : undefined

/** Floating-point operations of a node; undefined when sizes are missing. */
function flopsOf(node: Node, info: (name: string) => Info | undefined): number | undefined {
  if (node.domain === '' && movements.has(node.opType)) return 0
  const y = info(node.outputs.find((name) => name !== '') ?? '')
  if (y && !isFloat(y.type) && y.type !== 'other') return 0
  const made = known(y)
  if (!made) return undefined
  if (node.domain !== '' || !products.has(node.opType)) return reductionSize(node, info) ?? count(made)
  const a = known(info(node.inputs[0]!))
  const b = known(info(node.inputs[1]!))
  if (!a || !b) return undefined
  if (node.opType === 'Conv') return 2 * count(made) * count(b.slice(1))
  if (node.opType === 'ConvTranspose') return 2 * count(a) * count(b.slice(1))
  const depth = node.opType === 'Gemm' ? a[attribute(node, 'transA', 'int', 0) === 1 ? 0 : 1] : a.at(-1)
  return 2 * count(made) * (depth ?? 1)
}

/** Reductions and poolings read more than they make. */
function reductionSize(node: Node, info: (name: string) => Info | undefined): number | undefined {
  if (node.opType.startsWith('Reduce') || node.opType.startsWith('Global')) {
    const x = known(info(node.inputs[0]!))
    return x && count(x)
  }
  const kernel = attribute(node, 'kernel_shape', 'ints', undefined)
  const y = known(info(node.outputs[0]!))
  return kernel && y && count(y) * count(kernel)
}

interface WeightBytes {
  parameters: number
  bytes: number
  externalBytes: number
  bytesByType: Partial<Record<ElementType, number>>
}

function weightBytes(graph: Graph): WeightBytes {
  const total: WeightBytes = { parameters: 0, bytes: 0, externalBytes: 0, bytesByType: {} }
  const add = (tensor: Tensor, parameters: boolean): void => {
    const bytes = byteSize(tensor.type, tensor.shape) ?? 0
    total.bytes += bytes
    if (isExternal(tensor)) total.externalBytes += bytes
    total.bytesByType[tensor.type] = (total.bytesByType[tensor.type] ?? 0) + bytes
    if (parameters && isFloat(tensor.type)) total.parameters += count(tensor.shape)
  }
  const walk = (inner: Graph): void => {
    for (const tensor of inner.initializers.values()) add(tensor, true)
    for (const node of inner.nodes)
      for (const a of Object.values(node.attributes)) {
        if (a.kind === 'tensor') add(a.value, false)
        if (a.kind === 'graph') walk(a.value)
      }
  }
  walk(graph)
  return total
}

const UNITS = ['', ' k', ' M', ' G', ' T', ' P']

/** 12345678 as '12.3 M'. */
function short(value: number, unit: string): string {
  let at = 0
  let rest = value
  while (rest >= 999.5 && at < UNITS.length - 1) {
    rest /= 1000
    at++
  }
  const digits = at === 0 ? String(rest) : rest.toPrecision(3)
  return `${digits}${UNITS[at] || (unit ? ' ' : '')}${unit}`
}

function table(s: Omit<Summary, 'toString'>): string {
  const sets = Object.entries(s.opsets).map(([domain, version]) => `${domain || 'ai.onnx'} ${version}`)
  const port = ({ name, type, shape }: ValueInfo): string =>
    `${name} ${type} ${shape ? `[${shape.join(', ')}]` : '[?]'}`
  const external = s.externalBytes > 0 ? `, ${short(s.externalBytes, 'B')} of it in other files` : ''
  const head = [
    ['producer', s.producer || 'not said'],
    ['versions', [`IR ${s.irVersion}`, ...sets].join(', ')],
    ['inputs', s.inputs.map(port).join('; ') || 'none'],
    ['outputs', s.outputs.map(port).join('; ') || 'none'],
    ['weights', `${short(s.parameters, '')} parameters, ${short(s.bytes, 'B')}${external}`],
    ['work', `${s.flopsComplete ? '' : 'at least '}${short(s.flops, 'flop')} a run`],
    ...(s.notDifferentiable.length > 0 ? [['derivatives', `none through ${s.notDifferentiable.join(', ')}`]] : []),
    ...(s.rounding.length > 0 ? [['derivatives', `0 through ${s.rounding.join(', ')}, unless straightThrough`]] : []),
    ['nodes', s.functions > 0 ? `${s.nodes}, and ${s.functions} local functions` : `${s.nodes}`],
  ]
  const rows = [
    ['operator', 'count', 'parameters', 'flop'],
    ...s.operators.map((row) => [
      row.name,
      String(row.count),
      row.parameters > 0 ? short(row.parameters, '') : '',
      row.flops === undefined ? '?' : row.flops > 0 ? short(row.flops, '') : '',
    ]),
  ]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd()
  const label = Math.max(9, ...head.map(([name]) => name!.length))
  return [...head.map(([name, text]) => `${name!.padEnd(label)} ${text}`), '', ...rows.map(line)].join('\n')
}
