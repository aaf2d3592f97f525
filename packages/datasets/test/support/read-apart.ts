// Reads the images of a folder and prints what came of it, how long it took and how much memory: for bounds.test.ts.
import { readImageFolder } from '../../src/index.ts'

const [folder, options] = process.argv.slice(2)
const before = process.memoryUsage.rss()
const started = performance.now()
const outcome = await readImageFolder(folder!, JSON.parse(options!)).then(
  ({ images }) => ({ error: null, shape: images.shape }),
  (error: Error) => ({ error: error.message, shape: [] }),
)
const seconds = (performance.now() - started) / 1000
// maxRSS is in kilobytes.
const grown = (process.resourceUsage().maxRSS * 1024 - before) / 1e6
process.stdout.write(JSON.stringify({ ...outcome, seconds, grown }))
