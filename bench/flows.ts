// The flows whose likelihoods and Jacobians are measured: our own of Fashion-MNIST, and RealNVP and Glow of the flow paper.
import { access, mkdir } from 'node:fs/promises'
import { writeManifest } from '@ood/runtime'
import { checkpointPath, listCheckpoints } from '@ood/zoo'
import type { Context } from './types.ts'

/** A flow of the benchmark. */
export interface BenchFlow {
  /** In the names of rows. */
  readonly name: string
  /** Its checkpoint folder. */
  folder(context: Context): Promise<string>
}

/**
 * The shipped checkpoint of that name, else the network of `training/configs` with random weights, which the peer writes:
 * times do not depend on what was learnt. Without Python our own flow stands in and shows that the row runs.
 */
const configured = (name: string, config: string): BenchFlow => ({
  name,
  async folder({ peer, folder }) {
    if (listCheckpoints().includes(config)) return checkpointPath(config)
    if (!peer) return checkpointPath('flow-fmnist')
    const path = `${folder}/${config}`
    const there = await access(`${path}/manifest.json`).then(
      () => true,
      () => false,
    )
    if (there) return path
    await mkdir(path, { recursive: true })
    await peer.prepare('flow_network', { config, folder: path })
    await writeManifest(path, {
      name: config,
      kind: 'flow',
      graphs: { encode: 'encode.onnx', decode: 'decode.onnx' },
      data: { dataset: 'fashion-mnist', shape: [1, 28, 28], valueRange: [0, 255] },
      preprocessing: [
        { name: 'dequantize', levels: 256 },
        { name: 'symmetric-logit', c: 0.9 },
      ],
    })
    return path
  },
})

/** In the order of the rows. */
export const benchFlows: readonly BenchFlow[] = [
  { name: 'flow', folder: async () => checkpointPath('flow-fmnist') },
  configured('RealNVP', 'realnvp-fmnist'),
  configured('Glow', 'glow-fmnist'),
]
