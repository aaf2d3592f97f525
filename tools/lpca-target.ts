// Model-free dimension of the training sets, the target of the lPCA scale rule: npm run lpca-target -- DATA_FOLDER
import { loadDataset } from '@ood/datasets'
import { lpca } from '@ood/lid'
import { runMain } from '@ood/run'

await runMain(async (signal) => {
  const dataDir = process.argv[2] ?? process.env.OOD_DATA_DIR
  for (const name of ['fashion-mnist', 'mnist'] as const) {
    const { images } = await loadDataset(name, { split: 'train', ...(dataDir === undefined ? {} : { dataDir }) })
    const options = { subsample: 4096, neighbours: 1000, alphaFO: 0.001, queries: 512, seed: 42, signal }
    const { mean, standardError } = await lpca(images, options)
    process.stdout.write(`${name}: ${mean.toFixed(1)} ± ${standardError.toFixed(1)}\n`)
  }
})
