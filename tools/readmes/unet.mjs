// unet/model.onnx with the ports of a text-conditioned UNet of diffusers, and next to nothing inside.
import { mkdirSync, writeFileSync } from 'node:fs'
import { graphBuilder, int, writeModel } from '@ood/onnx'

const g = graphBuilder()
const sample = g.input('sample', 'float32', ['batch', 4, 64, 64])
const timestep = g.input('timestep', 'int64', ['batch'])
const states = g.input('encoder_hidden_states', 'float32', ['batch', 77, 768])
const time = g.op('Reshape', [g.op('Cast', [timestep], { to: int(1) }), g.int64([-1, 1, 1, 1])])
const words = g.op('Reshape', [g.op('ReduceMean', [states, g.int64([1, 2])]), g.int64([-1, 1, 1, 1])])
g.output('out_sample', g.op('Mul', [sample, g.op('Sigmoid', [g.op('Add', [time, words])])]))
mkdirSync('unet', { recursive: true })
writeFileSync('unet/model.onnx', writeModel(g.model()))
