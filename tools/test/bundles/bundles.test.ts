// Every package that should run in a browser is bundled for one and put to work where nothing of Node is.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { browserPackages, bundleForBrowser } from '../../bundles/bundle.ts'
import { runBundled } from '../../bundles/sandbox.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const page = readFileSync(`${root}docs/bundle-sizes.md`, 'utf8')
const names = browserPackages(root)

/** What each package is asked for, as source of a function of its exports, and the right answer. */
const tasks: Record<string, { use: string; want: unknown }> = {
  '@ood/roc': { use: '({ auroc }) => auroc([3, 4, 5], [1, 2, 4])', want: 7.5 / 9 },
  '@ood/core': {
    use: '({ crc32, tensor, nodeModule }) => [crc32(new Uint8Array([49, 50, 51])), tensor(new Float64Array(2), [2]).shape[0], String(nodeModule("node:os"))]',
    want: [0x884863d2, 2, 'undefined'],
  },
  '@ood/linalg': {
    use: '({ symmetricEigenvalues }) => Array.from(symmetricEigenvalues(Float64Array.of(2, 1, 1, 2), 2), Math.round).sort()',
    want: [1, 3],
  },
  '@ood/llr': {
    use: `async ({ pngCodec }) => {
      const image = { width: 2, height: 1, channels: 1, data: Uint8Array.of(0, 255) }
      const message = await pngCodec().encode(image).catch((error) => error.message)
      return [message, (await pngCodec({ deflate: (bytes) => bytes }).encode(image)).length]
    }`,
    want: ['pngCodec: expected a deflate option, got none and no node:zlib here', 60],
  },
  '@ood/plots': {
    use: `async ({ histogramPlot, imageGrid, renderSvg }) => {
      const series = [{ name: 'a', values: [1, 2, 2, 3] }, { name: 'b', values: [4, 5, 5, 6] }]
      return (await renderSvg(histogramPlot({ title: 'two', xTitle: 'x', series }))).slice(0, 5)
    }`,
    want: '<svg ',
  },
  '@ood/detect': {
    use: '({ calibration }) => calibration([0.1, 0.4, 0.2, 0.3]).threshold(0.25)',
    want: 0.4,
  },
}

describe.each(names)('%s', (name) => {
  it('bundles, runs without Node, and stands in the table of sizes', async () => {
    const { code } = await bundleForBrowser(name, { folder: root })
    const { use, want } = tasks[name] ?? { use: '(bundled) => Object.keys(bundled).length > 0', want: true }
    expect(structuredClone(await runBundled(code, use))).toEqual(want)
    expect(page).toContain(`| \`${name}\` |`)
  })
})

/** Bundles code that needs several packages and runs it. */
async function bundled<T>(imports: string, use: string): Promise<T> {
  const { code } = await bundleForBrowser('@ood/core', { folder: root, code: imports })
  return structuredClone(await runBundled<T>(code, use))
}

it('estimates a dimension from pasted points', async () => {
  const got = await bundled<number[]>(
    `export { mle, twoNn } from '@ood/lid'; export { manifold, syntheticGenomes } from '@ood/datasets'`,
    `async ({ mle, twoNn, manifold }) => {
      const { points } = manifold('swiss_roll', { n: 400, seed: 1 }).all()
      const { lid } = await mle(points, { neighbours: 10, threads: 2 })
      return [await twoNn(points), lid.reduce((sum, value) => sum + value, 0) / lid.length]
    }`,
  )
  // 400 points: the standard error of either mean is below 0.1.
  for (const value of got) expect(Math.abs(value - 2)).toBeLessThan(0.3)
})

it('decodes images and arrays from bytes as Node does', async () => {
  const png = readFileSync(`${root}docs/images/fmnist-mnist-scatter.png`)
  const node = await import('@ood/datasets')
  const options = { mode: 'greyscale', size: [28, 28] } as const
  const want = node.decodeImages([{ name: 'a.png', bytes: png }], options)
  const idx = node.encodeIdx({ data: Uint8Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2] })
  const npy = node.encodeNpy({ data: Float64Array.of(1.5, -2), shape: [2] })
  const got = await bundled<unknown[]>(
    `export * from '@ood/datasets'; export const bytes = ${JSON.stringify([[...png], [...idx], [...npy]])}.map((list) => Uint8Array.from(list))`,
    `({ decodeImages, decodeIdx, decodeNpy, bytes: [png, idx, npy] }) => {
      const images = decodeImages([{ name: 'a.png', bytes: png }], ${JSON.stringify(options)})
      return [Array.from(images.data), decodeIdx(idx, 'a.idx', { rows: [2, 0] }).data.join(), decodeNpy(npy, 'a.npy').data.join()]
    }`,
  )
  expect(got).toEqual([Array.from(want.data), '5,6,1,2', '1.5,-2'])
})

it('differentiates a graph and writes it', async () => {
  const got = await bundled<string[]>(
    `export * from '@ood/onnx'`,
    `({ graphBuilder, inspect, jvp, readModel, writeModel }) => {
      const g = graphBuilder()
      const x = g.input('x', 'float32', ['N', 4])
      g.output('y', g.op('Mul', [g.op('Sin', [x]), x]))
      const bytes = writeModel(jvp(readModel(writeModel(g.model())), { wrt: ['x'] }))
      const { outputs, operators } = inspect(readModel(bytes))
      return [outputs.map(({ name }) => name).join(), String('Cos' in operators)]
    }`,
  )
  expect(got).toEqual(['y,y_tangent', 'true'])
})
