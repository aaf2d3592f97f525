// vad.onnx: the ports of a voice-activity model, and next to nothing inside.
import { writeFileSync } from 'node:fs'
import { graphBuilder, int, writeModel } from '@ood/onnx'

const g = graphBuilder()
const input = g.input('input', 'float32', ['batch', 'sequence'])
const state = g.input('state', 'float32', [2, 'batch', 5])
const rate = g.op('Cast', [g.input('sr', 'int64', [])], { to: int(1) })
const mixed = g.op('Mul', [input, g.op('ReduceMean', [state])])
g.output('output', g.op('Sigmoid', [g.op('Add', [mixed, rate])]))
writeFileSync('vad.onnx', writeModel(g.model()))
