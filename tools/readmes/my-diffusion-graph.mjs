// A folder my-diffusion with the graph of a score network, not described yet.
import { copyFileSync, mkdirSync } from 'node:fs'
import { checkpointPath } from '@ood/zoo'

mkdirSync('my-diffusion', { recursive: true })
copyFileSync(`${checkpointPath('diffusion-fmnist')}/score.onnx`, 'my-diffusion/score.onnx')
