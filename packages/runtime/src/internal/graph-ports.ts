// Inputs and outputs as an ONNX file states them, and their comparison with a manifest.
import { mismatch, OodError } from '@ood/core'
import { inspect, readModel } from '@ood/onnx'
import type { GraphEntry } from '../manifest.ts'

/** Shapes by name; a string is a symbolic size. */
export type Ports = Record<string, (number | string)[]>

/** Input and output shapes of an ONNX file. `path` is for error messages. */
export function graphPorts(bytes: Uint8Array, path: string): { inputs: Ports; outputs: Ports } {
  try {
    const { inputs, outputs } = inspect(readModel(bytes))
    const ports = (list: typeof inputs): Ports =>
      Object.fromEntries(list.map(({ name, shape }) => [name, [...(shape ?? [])]]))
    return { inputs: ports(inputs), outputs: ports(outputs) }
  } catch (cause) {
    if (!(cause instanceof OodError)) throw cause
    throw new OodError(cause.code, `${path}: ${cause.message}`, { cause })
  }
}

/**
 * Checks that a manifest entry names exactly the inputs and outputs of its graph, with the same number of axes and the
 * same fixed sizes. A size that the manifest leaves open must be open in the graph too: a baked-in batch is an error.
 */
export function assertPorts(what: string, entry: GraphEntry, graph: { inputs: Ports; outputs: Ports }): void {
  for (const side of ['inputs', 'outputs'] as const) {
    const [said, found] = [entry[side], graph[side]]
    const names = (ports: Ports): string => Object.keys(ports).sort().join(', ')
    if (names(said) !== names(found)) throw mismatch('E_MANIFEST', `${what}.${side}`, names(said), names(found))
    for (const [name, shape] of Object.entries(said)) {
      const real = found[name]!
      const fits =
        shape.length === real.length && shape.every((n, axis) => typeof real[axis] === 'string' || n === real[axis])
      if (!fits)
        throw mismatch('E_MANIFEST', `${what}.${side}.${name}`, `[${shape.join(', ')}]`, `[${real.join(', ')}]`)
    }
  }
}
