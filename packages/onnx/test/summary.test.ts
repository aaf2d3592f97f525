// summary: counts by hand on a small network, and the table as a person reads it.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  constantTensor,
  graphBuilder,
  inspect,
  int,
  ints,
  type Model,
  readModel,
  summary,
  writeExternal,
} from '../src/index.ts'

function network(): Model {
  const g = graphBuilder({ opset: 18, name: 'net' })
  const x = g.input('image', 'float32', ['N', 3, 8, 8])
  const zeros = (name: string, ...shape: number[]): string =>
    g.constant(name, constantTensor('float32', shape, new Float32Array(shape.reduce((a, b) => a * b, 1))))
  const conv = g.op('Conv', [x, zeros('w', 4, 3, 3, 3), zeros('b', 4)], { pads: ints([1, 1, 1, 1]) })
  const pooled = g.op('ReduceMean', [g.op('Relu', [conv]), g.int64([2, 3])], { keepdims: int(0) })
  g.output('logits', g.op('Gemm', [pooled, zeros('fc', 4, 10), zeros('fb', 10)]))
  return g.model()
}

describe('summary', () => {
  it('counts parameters, bytes and operations', () => {
    const s = summary(network(), { sizes: { N: 2 } })
    expect(s.parameters).toBe(4 * 27 + 4 + 40 + 10)
    expect(s.bytes).toBe(4 * s.parameters + 16)
    expect(s.bytesByType).toEqual({ float32: 4 * s.parameters, int64: 16 })
    expect(s.flopsComplete).toBe(true)
    expect(s.operators).toEqual([
      // 2 x 4 x 8 x 8 results of 27 multiply-adds.
      { name: 'Conv', count: 1, parameters: 112, flops: 2 * 512 * 27 },
      { name: 'ReduceMean', count: 1, parameters: 0, flops: 512 },
      { name: 'Relu', count: 1, parameters: 0, flops: 512 },
      { name: 'Gemm', count: 1, parameters: 50, flops: 2 * 20 * 4 },
    ])
    expect(s.flops).toBe(27648 + 512 + 512 + 160)
  })

  it('says what it cannot know', () => {
    const s = summary(network())
    expect(s.flopsComplete).toBe(false)
    expect(s.operators.find((row) => row.name === 'Conv')!.flops).toBeUndefined()
  })

  it('is a table when printed', () => {
    expect(String(summary(network(), { sizes: { N: 2 } }))).toBe(
      [
        'producer  ood-onnx',
        'versions  IR 9, ai.onnx 18',
        'inputs    image float32 [2, 3, 8, 8]',
        'outputs   logits float32 [2, 10]',
        'weights   162 parameters, 664 B',
        'work      28.8 kflop a run',
        'nodes     4',
        '',
        'operator    count  parameters    flop',
        'Conv            1         112  27.6 k',
        'ReduceMean      1                 512',
        'Relu            1                 512',
        'Gemm            1          50     160',
      ].join('\n'),
    )
  })

  it('tells weights in other files, without reading them', () => {
    const { model } = writeExternal(network(), { location: 'w.bin', threshold: 100 })
    const external = (): Uint8Array => {
      throw new Error('read')
    }
    const s = summary(readModel(new Uint8Array(Buffer.concat(model.chunks)), { external }))
    expect(s.externalBytes).toBe(4 * 108 + 4 * 40)
    expect(String(s)).toContain('592 B of it in other files')
  })

  it('agrees with inspect on a real model', () => {
    const url = new URL('../../models-flow/test/fixtures/tiny-rqs/decode.onnx', import.meta.url)
    const model = readModel(new Uint8Array(readFileSync(url)))
    const s = summary(model, { sizes: { N: 1 } })
    expect(Object.fromEntries(s.operators.map((row) => [row.name, row.count]))).toEqual(inspect(model).operators)
    expect([s.nodes, s.parameters]).toEqual([inspect(model).nodes, inspect(model).parameters])
    expect(s.flops).toBeGreaterThan(s.parameters)
  })
})
