// A score graph whose part that depends on time alone works on full blocks of times.
//
// The engine computes the last elements of a list with other instructions than the rest. On lists of one time a row those
// are whole rows, whose embeddings then differ in their last bits from batch to batch; everything behind works image by
// image.
import { attribute, type Dim, graphBuilder, int, type Model, type Node, tensorOf } from '@ood/onnx'

/** Times are brought to a multiple of this: what any vector instruction takes at once. */
const BLOCK = 16

/**
 * The graph with its times padded by copies of the last one, and the padding cut off where time meets the data. The graph
 * as it is where that cannot be told from its shapes: times without the batch's axis, values of the time part that do not
 * have it first, or subgraphs.
 *
 * @param t - name of the time input, [N]
 * @param x - name of the data input, [N, ...]
 */
export function fullTimes(model: Model, x: string, t: string): Model {
  const { graph } = model
  const info = graphBuilder({ from: model })
  const rows = graph.inputs.find((input) => input.name === t)?.shape
  const batch = graph.inputs.find((input) => input.name === x)?.shape?.[0]
  if (rows?.length !== 1 || typeof batch !== 'string' || rows[0] !== batch) return model
  if (graph.nodes.some((node) => Object.values(node.attributes).some((a) => a.kind === 'graph'))) return model

  const timed = new Set([t])
  const constant = new Set(graph.initializers.keys())
  const early: Node[] = []
  const late: Node[] = []
  for (const node of graph.nodes) {
    const inputs = node.inputs.filter((name) => name !== '')
    const still = inputs.every((name) => constant.has(name))
    const own = !still && inputs.every((name) => constant.has(name) || timed.has(name))
    const floats = node.outputs.every((name) => info.info(name).type.startsWith('float'))
    if (still) for (const name of node.outputs) constant.add(name)
    if (own && floats && node.domain === '' && keepsRows(node, batch, (name) => info.info(name).shape)) {
      for (const name of node.outputs) timed.add(name)
      early.push(node)
    } else (still ? early : late).push(node)
  }
  if (timed.size === 1) return model

  const name = (stem: string): string => `full_times/${stem}`
  const node = (opType: string, inputs: string[], output: string, attributes: Node['attributes'] = {}): Node => {
    return { opType, domain: '', name: output, inputs, outputs: [output], attributes }
  }
  const list = (values: readonly number[]) => tensorOf('int64', [values.length], values)
  const [count, blocks, whole, missing, last, more, padded] = [
    'n',
    'blocks',
    'whole',
    'missing',
    'last',
    'more',
    't',
  ].map(name) as [string, string, string, string, string, string, string]
  const constants: [string, ReturnType<typeof list>][] = [
    [name('zero'), list([0])],
    [name('minus_one'), list([-1])],
    [name('beyond'), list([2 ** 31])],
    [name('block'), list([BLOCK])],
    [name('rest'), list([BLOCK - 1])],
  ]
  const before = [
    node('Shape', [t], count),
    node('Add', [count, name('rest')], name('up')),
    node('Div', [name('up'), name('block')], blocks),
    node('Mul', [blocks, name('block')], whole),
    node('Sub', [whole, count], missing),
    node('Slice', [t, name('minus_one'), name('beyond'), name('zero')], last),
    node('Expand', [last, missing], more),
    node('Concat', [t, more], padded, { axis: int(0) }),
  ]
  const from = (list: readonly string[], to: (value: string) => string): string[] =>
    list.map((v) => (v === '' ? '' : to(v)))
  const moved = (value: string): string => (value === t ? padded : timed.has(value) ? name(value) : value)
  // A node may bear the name of its output, which a cut takes below.
  const part = early.map((n) => ({
    ...n,
    name: n.name === '' ? '' : name(n.name),
    inputs: from(n.inputs, moved),
    outputs: from(n.outputs, moved),
  }))
  const read = new Set([...late.flatMap((n) => n.inputs), ...graph.outputs.map((output) => output.name)])
  const cuts = [...timed]
    .filter((value) => value !== t && read.has(value))
    .map((value) => node('Slice', [name(value), name('zero'), count, name('zero')], value))
  return {
    ...model,
    graph: {
      ...graph,
      nodes: [...before, ...part, ...cuts, ...late],
      initializers: new Map([...graph.initializers, ...constants]),
    },
  }
}

/** Elementwise operators, products with constants on the right, and joins along later axes: row i of the result is of row i. */
const rowwise = new Set(
  (
    'Add Sub Mul Div Pow Neg Abs Exp Log Sqrt Reciprocal Sin Cos Tanh Sigmoid Relu Softplus Clip Erf Gelu Swish Mish Elu ' +
    'LeakyRelu HardSigmoid HardSwish Cast Identity Min Max Floor Round'
  ).split(' '),
)

function keepsRows(node: Node, batch: string, shapeOf: (value: string) => readonly Dim[] | undefined): boolean {
  const [first] = node.inputs
  const out = node.outputs.length === 1 ? shapeOf(node.outputs[0]!) : undefined
  if (out?.[0] !== batch || out.slice(1).some((n) => typeof n !== 'number')) return false
  // Broadcasting from the right must not bring the rows to another axis.
  const aligned = node.inputs.every((name) => {
    const shape = name === '' ? [] : shapeOf(name)
    return (
      shape !== undefined &&
      (shape.includes(batch) ? shape[0] === batch && shape.length === out.length : shape.length <= out.length)
    )
  })
  if (rowwise.has(node.opType)) return aligned
  const leads = shapeOf(first!)?.[0] === batch
  if (node.opType === 'Gemm') return leads && attribute(node, 'transA', 'int', 0) === 0
  if (node.opType === 'MatMul')
    return leads && shapeOf(node.inputs[1]!)?.length === 2 && shapeOf(node.inputs[1]!)![0] !== batch
  if (node.opType === 'Concat') return aligned && attribute(node, 'axis', 'int', 0) !== 0
  if (node.opType === 'Unsqueeze' || node.opType === 'Reshape') return leads
  return false
}
