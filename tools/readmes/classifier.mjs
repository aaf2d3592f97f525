// classifier.onnx: x [N, 3, 32, 32] -> loss [], with a weight fc.weight [10, 512].
import { writeFileSync } from 'node:fs'
import { constantTensor, graphBuilder, writeModel } from '@ood/onnx'

const weights = (n) => Float32Array.from({ length: n }, (_, i) => Math.sin(i) / 20)
const constant = (shape) => {
  return constantTensor('float32', shape, weights(shape.reduce((product, n) => product * n, 1)))
}
const g = graphBuilder()
const x = g.input('x', 'float32', ['N', 3, 32, 32])
const flat = g.op('Reshape', [x, g.int64([0, -1])])
const hidden = g.op('Tanh', [g.op('MatMul', [flat, g.constant('hidden.weight', constant([3072, 512]))])])
const fc = g.op('Transpose', [g.constant('fc.weight', constant([10, 512]))])
const logits = g.op('LogSoftmax', [g.op('MatMul', [hidden, fc])])
g.output('loss', g.op('Neg', [g.op('ReduceMean', [logits])]))
writeFileSync('classifier.onnx', writeModel(g.model()))
