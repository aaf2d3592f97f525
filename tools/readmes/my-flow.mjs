// A folder my-flow that is a whole checkpoint.
import { cpSync } from 'node:fs'
import { checkpointPath } from '@ood/zoo'

cpSync(checkpointPath('flow-fmnist'), 'my-flow', { recursive: true })
