// decode.onnx: the decoder of a shipped flow.
import { copyFileSync } from 'node:fs'
import { checkpointPath } from '@ood/zoo'

copyFileSync(`${checkpointPath('flow-fmnist')}/decode.onnx`, 'decode.onnx')
