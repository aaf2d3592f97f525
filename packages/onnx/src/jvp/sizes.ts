// Finds symbolic sizes at run time: where in the model an axis called N can be measured.
import type { GraphBuilder } from '../builder.ts'
import type { Dim, Model } from '../types.ts'

/** The size of a named axis as an int64 list of length 1; undefined when no value of the model has such an axis. */
export type SizeSource = (dim: string) => string | undefined

/** Sizes read off the inputs, or else the first inner value that has the axis; products are multiplied up. */
export function sizeSource(model: Model, g: GraphBuilder): SizeSource {
  const places = new Map<Dim, { value: string; axis: number }>()
  const { inputs, nodes } = model.graph
  for (const value of [...inputs.map((port) => port.name), ...nodes.flatMap((node) => node.outputs)])
    g.info(value).shape?.forEach((dim, axis) => {
      if (typeof dim === 'string' && !places.has(dim)) places.set(dim, { value, axis })
    })
  const source: SizeSource = (dim) => {
    const place = places.get(dim)
    if (place) return g.op('Gather', [g.op('Shape', [place.value]), g.int64([place.axis])])
    if (!dim.includes('*') || dim.includes('(')) return undefined
    const parts = dim.split('*').map((part) => (/^\d+$/.test(part) ? g.int64([Number(part)]) : source(part)))
    return parts.every((part) => part !== undefined) ? parts.reduce((a, b) => g.op('Mul', [a, b])) : undefined
  }
  return source
}
