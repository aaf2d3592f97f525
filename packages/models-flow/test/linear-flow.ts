// Writes linear flows x = A z + b as ONNX graphs: every quantity of such a flow is known in closed form.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { constantTensor, graphBuilder, writeModel } from '@ood/onnx'
import { writeManifest } from '@ood/runtime'

/** A linear map in closed form. */
export interface Linear {
  /** D x D row-major. */
  A: number[][]
  b: number[]
  /** Inverse of A. */
  inverse: number[][]
  /** log |det A|. */
  logDet: number
}

/** Gauss-Jordan with partial pivoting; the test's own algebra, independent of the package's. */
export function linear(A: number[][], b: number[]): Linear {
  const n = A.length
  const work = A.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))])
  let logDet = 0
  for (let c = 0; c < n; c++) {
    const pivot = work
      .slice(c)
      .reduce((best, row, i) => (Math.abs(row[c]!) > Math.abs(work[best]![c]!) ? c + i : best), c)
    ;[work[c], work[pivot]] = [work[pivot]!, work[c]!]
    const p = work[c]![c]!
    logDet += Math.log(Math.abs(p))
    work[c] = work[c]!.map((v) => v / p)
    for (let r = 0; r < n; r++) {
      const factor = work[r]![c]!
      if (r !== c) work[r] = work[r]!.map((v, j) => v - factor * work[c]![j]!)
    }
  }
  return { A, b, inverse: work.map((row) => row.slice(n)), logDet }
}

/** y = M (x - shift) + offset on rows [N, D]. */
function affineGraph(input: string, output: string, M: number[][], shift: number[], offset: number[], logDet?: number) {
  const n = M.length
  const g = graphBuilder()
  const x = g.input(input, 'float32', ['N', n])
  const vector = (name: string, values: number[], shape: number[]): string =>
    g.constant(name, constantTensor('float32', shape, Float32Array.from(values)))
  // Row-vector convention: x Mᵀ.
  const transposed = M[0]!.flatMap((_, j) => M.map((row) => row[j]!))
  const centred = g.op('Sub', [x, vector('shift', shift, [n])])
  const y = g.op('Add', [g.op('MatMul', [centred, vector('M', transposed, [n, n])]), vector('offset', offset, [n])])
  g.output(output, y)
  if (logDet !== undefined) {
    const zeros = g.op('MatMul', [x, vector('zeros', new Array<number>(n).fill(0), [n])])
    g.output('logdet', g.op('Add', [zeros, g.scalar('float32', logDet)]))
  }
  return writeModel(g.model())
}

/** A new folder with the flow x = A z + b; `preprocessing` as a manifest lists it. */
export async function linearFlow(
  { A, b, inverse, logDet }: Linear,
  preprocessing: { name: string; [parameter: string]: unknown }[] = [],
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'ood-linear-flow-'))
  const zero = new Array<number>(A.length).fill(0)
  writeFileSync(join(folder, 'encode.onnx'), affineGraph('x', 'z', inverse, b, zero, -logDet))
  writeFileSync(join(folder, 'decode.onnx'), affineGraph('z', 'x', A, zero, b))
  await writeManifest(folder, {
    name: 'linear',
    kind: 'flow',
    graphs: { encode: 'encode.onnx', decode: 'decode.onnx' },
    data: { dataset: 'none', shape: [A.length], valueRange: [0, 255] },
    preprocessing,
  })
  return folder
}
