// big.onnx, whose weights lie in big.onnx.data.
import { openModel, saveModel } from '@ood/onnx/node'
import { checkpointPath } from '@ood/zoo'

saveModel(openModel(`${checkpointPath('flow-fmnist')}/decode.onnx`), 'big.onnx', { externalThreshold: 1024 })
