// image-classifier.onnx: images [N, 3, 32, 32] -> logits [N, 4] by a convolution, a mean over positions and a linear layer.
import { writeFileSync } from 'node:fs'
import { constantTensor, graphBuilder, int, ints, writeModel } from '@ood/onnx'

const weights = (n) => Float32Array.from({ length: n }, (_, i) => Math.sin(3 * i) / 5)
const constant = (shape) => {
  return constantTensor('float32', shape, weights(shape.reduce((product, n) => product * n, 1)))
}
const g = graphBuilder()
const x = g.input('x', 'float32', ['N', 3, 32, 32])
const hidden = g.op('Relu', [
  g.op('Conv', [x, g.constant('conv.weight', constant([16, 3, 3, 3]))], {
    kernel_shape: ints([3, 3]),
    strides: ints([2, 2]),
  }),
])
const features = g.op('ReduceMean', [hidden, g.int64([2, 3])], { keepdims: int(0) })
const head = [features, g.constant('fc.weight', constant([4, 16])), g.constant('fc.bias', constant([4]))]
g.output('y', g.op('Gemm', head, { transB: int(1) }))
writeFileSync('image-classifier.onnx', writeModel(g.model()))
