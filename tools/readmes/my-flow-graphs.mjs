// A folder my-flow with the two graphs of an exported flow, not described yet.
import { copyFileSync, mkdirSync } from 'node:fs'
import { checkpointPath } from '@ood/zoo'

mkdirSync('my-flow', { recursive: true })
for (const file of ['encode.onnx', 'decode.onnx'])
  copyFileSync(`${checkpointPath('flow-fmnist')}/${file}`, `my-flow/${file}`)
