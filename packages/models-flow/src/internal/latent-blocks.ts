// Finds the blocks in which a decoder reads its latents, so that each block's tangents skip what it does not touch.
import { type Model, type Node, plainNumbers, type Tensor } from '@ood/onnx'

/** One block of latents, from..to-1, and the graph value that holds it. */
export interface LatentBlock {
  value: string
  from: number
  to: number
}

/**
 * In a multiscale flow half of the layers sees only the last quarter of the latents: `decode` slices z into blocks that
 * enter one level after another. Differentiated by the whole z, every layer carries every direction; differentiated by
 * one block after another, a layer carries only directions that reach it, with the same result.
 *
 * @param z - name of the latent input [N, d]
 * @returns the values of the Slice nodes that read z, in order of latents, when they read all of it once and nothing
 * else reads it; otherwise z itself as the only block
 */
export function latentBlocks({ graph }: Model, z: string, d: number): LatentBlock[] {
  const whole = [{ value: z, from: 0, to: d }]
  const blocks: LatentBlock[] = []
  for (const node of graph.nodes) {
    if (!node.inputs.includes(z)) continue
    const block = sliceOf(node, z, d, graph.initializers)
    if (!block) return whole
    blocks.push(block)
  }
  blocks.sort((a, b) => a.from - b.from)
  const ends = [0, ...blocks.map(({ to }) => to)]
  const complete = ends.at(-1) === d && blocks.every(({ from }, i) => from === ends[i])
  return complete ? blocks : whole
}

/** The block that a node `Slice(z, [from], [to], [1], [1])` reads. */
function sliceOf(node: Node, z: string, d: number, constants: ReadonlyMap<string, Tensor>): LatentBlock | undefined {
  if (node.opType !== 'Slice' || node.domain !== '' || node.inputs[0] !== z) return undefined
  const tensors = node.inputs.slice(1).map((name) => constants.get(name))
  const [starts, ends, axes, steps = [1]] = tensors.map((tensor) => tensor && plainNumbers(tensor))
  if (tensors.includes(undefined) || starts?.length !== 1 || ends?.length !== 1 || axes?.length !== 1) return undefined
  if ((axes[0] !== 1 && axes[0] !== -1) || steps.length !== 1 || steps[0] !== 1) return undefined
  const place = (index: number): number => Math.min(d, Math.max(0, index < 0 ? index + d : index))
  return { value: node.outputs[0]!, from: place(starts[0]!), to: place(ends[0]!) }
}
