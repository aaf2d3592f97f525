// Bundles every package that runs in a browser and writes the sizes to docs/bundle-sizes.md: npm run bundles
// `--installed FOLDER` bundles what is installed there, as a user's bundler would, and writes nothing.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { browserPackages, bundleForBrowser } from './bundle.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const kB = (bytes: number): string => (bytes / 1000).toFixed(1)
const { installed } = parseArgs({ options: { installed: { type: 'string' } } }).values
const rows: string[] = []
for (const name of browserPackages(root)) {
  const { bytes, gzip, parts } = await bundleForBrowser(name, {
    folder: installed ?? root,
    source: installed === undefined,
  })
  const inside = parts.slice(0, 4).map(([part, size]) => `${part} ${kB(size)}`)
  rows.push(`| \`${name}\` | ${kB(bytes)} | ${kB(gzip)} | ${inside.join(', ')} |`)
  console.log(`${name}: ${kB(bytes)} kB, gzip ${kB(gzip)} kB`)
}
if (installed === undefined)
  writeFileSync(
    new URL('../../docs/bundle-sizes.md', import.meta.url),
    `# Bundles for browsers

Each of these packages bundles for a browser without a polyfill, and the bundles run without anything of Node (\`npx vitest run --project tools test/bundles\`). Sizes are those of *all* exports of a package with its dependencies, minified by esbuild; importing a few functions takes less. In kB (1000 bytes), written by \`npm run bundles\`.

| package | minified | gzip | largest parts |
|---|---|---|---|
${rows.join('\n')}

In a browser \`@ood/datasets\` has its decoders of bytes (\`decodeImages\`, \`decodeIdx\`, \`decodeNpy\`), transforms, manifolds and synthetic genomes; what reads files, downloads or the sample images is in Node alone, under the same name or \`@ood/datasets/node\`. \`@ood/lid\` computes on the calling thread. \`pngCodec\` of \`@ood/llr\` asks for a \`deflate\` function. \`@ood/plots\` stores its small pictures uncompressed and draws SVG only. Models need \`onnxruntime-node\` and do not bundle.
`,
  )
