// Stored forms: checkpoint manifests and folders, detector states, run journals and configurations.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Columns,
  densityOfStates,
  detector,
  gaussianOf,
  type Method,
  mixtureOf,
  oneClassOf,
  parseStored,
  pValuesOf,
  restoreDetector,
} from '@ood/detect'
import { readConfig, readJournal } from '@ood/run'
import { openCheckpoint, parseManifest, writeManifest } from '@ood/runtime'
import { repository } from '../corpus.ts'
import { damaged, damagedText } from '../mutate.ts'
import { damagedJson } from '../mutate-json.ts'
import { pick, type Target, Wrong } from '../target.ts'

const PUNCTUATION = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ':',
  ',',
  'null',
  '1e999',
  '\\u0000',
  '\n',
  '-',
  '[[[[',
  '&a',
  '*a',
  '!!',
  '%',
]

const manifest: Target = {
  name: 'manifest',
  weight: 8,
  async open() {
    const inputs = [
      'packages/runtime/test/fixtures',
      'packages/models-diffusion/test/fixtures/gaussian-vp',
      'packages/models-autoregressive/test/fixtures/tiny-lstm',
    ]
      .map((folder) => join(repository, folder, 'manifest.json'))
      .flatMap((file) => {
        try {
          return [JSON.parse(readFileSync(file, 'utf8')) as unknown]
        } catch {
          return []
        }
      })
    return async (rng, keep) => {
      const value = damagedJson(pick(rng, inputs), rng)
      keep('manifest.json', value)
      parseManifest(JSON.parse(value), 'x/manifest.json')
      return 'ok'
    }
  },
}

const checkpoint: Target = {
  name: 'checkpoint',
  weight: 6,
  async open(folder) {
    const place = join(folder, 'checkpoint')
    mkdirSync(place, { recursive: true })
    for (const name of ['encode.onnx', 'decode.onnx'])
      cpSync(join(repository, 'packages/runtime/test/fixtures', name), join(place, name))
    const good = await writeManifest(place, {
      name: 'tiny',
      kind: 'flow',
      graphs: { encode: 'encode.onnx', decode: 'decode.onnx' },
      data: { dataset: 'none', shape: [2], valueRange: [-1, 1] },
      preprocessing: [],
      latentShape: [2],
    })
    const graph = readFileSync(join(place, 'encode.onnx'))
    const text = JSON.stringify(good)
    return async (rng, keep) => {
      const kind = rng.integer(3)
      const written = kind === 0 ? damagedJson(good, rng) : kind === 1 ? damagedText(text, rng, PUNCTUATION) : text
      const bytes = kind === 2 ? damaged(graph, rng) : graph
      keep('manifest.json', written)
      keep('encode.onnx', bytes)
      writeFileSync(join(place, 'manifest.json'), written)
      writeFileSync(join(place, 'encode.onnx'), bytes)
      const { manifest } = await openCheckpoint(place)
      if (kind === 2 && Buffer.compare(bytes, graph) !== 0) throw new Wrong('an altered graph under its old hash')
      if (manifest.sha256['encode.onnx'] === undefined) throw new Wrong('a graph without a hash')
      return 'ok'
    }
  },
}

const values = Float64Array.from({ length: 40 }, (_, i) => Math.sin(i) * 10 - i)
const columns: Columns = { 'a.v': values, 'b.v': values.map((v) => Math.cos(v) + 3) }

const detectors: Target = {
  name: 'detector states',
  weight: 8,
  async open() {
    const statistics = ['a', 'b'].map((name) => ({
      name,
      needs: {},
      values: (given: Columns) => given[`${name}.v`] as Float64Array,
    }))
    const methods = [gaussianOf, mixtureOf, densityOfStates, oneClassOf, pValuesOf].map(
      (of) => of(statistics) as Method<unknown>,
    )
    const states: unknown[] = []
    for (const method of methods) {
      const fitted = detector(method)
      await fitted.fit({ columns })
      await fitted.inferThreshold({ columns }, 0.1)
      states.push(JSON.parse(JSON.stringify(fitted)))
    }
    return async (rng, keep) => {
      const which = rng.integer(methods.length)
      const text = damagedJson(states[which], rng)
      keep('detector.json', text)
      const value: unknown = JSON.parse(text)
      if (rng.integer(8) === 0) parseStored(value)
      const restored = restoreDetector(value, methods[which]!)
      const kept = JSON.stringify(restored)
      const again = restoreDetector(JSON.parse(kept), methods[which]!)
      if (JSON.stringify(again) !== kept) throw new Wrong('another state when stored again')
      const scores = await again.score({ columns })
      if (scores.some(Number.isNaN)) throw new Wrong('scores that are NaN')
      return 'ok'
    }
  },
}

const runs: Target = {
  name: 'run journals and configurations',
  weight: 6,
  async open(folder) {
    const journal = [
      { time: '2026-01-01T00:00:00.000Z', type: 'open', config: { model: 'flow', rows: 8 } },
      {
        time: '2026-01-01T00:00:01.000Z',
        type: 'batch',
        step: 'scores',
        from: 0,
        to: 8,
        files: { 'a.npy': 'ab'.repeat(32) },
      },
      { time: '2026-01-01T00:00:02.000Z', type: 'step', step: 'scores', files: { 'scores.csv': 'cd'.repeat(32) } },
      { time: '2026-01-01T00:00:03.000Z', type: 'finish' },
    ]
    const lines = `${journal.map((event) => JSON.stringify(event)).join('\n')}\n`
    const yaml = 'model: flow\nrows: 8\nscales: [-1, 0.5, 2]\nnames:\n  - a\n  - "b: c"\nbase: &b { x: 1 }\nother: *b\n'
    return async (rng, keep) => {
      if (rng.integer(2) === 0) {
        const changed =
          rng.integer(2) === 0
            ? damagedText(lines, rng, PUNCTUATION)
            : Buffer.from(`${journal.map((event) => damagedJson(event, rng)).join('\n')}\n`)
        keep('run.jsonl', changed)
        writeFileSync(join(folder, 'run.jsonl'), changed)
        readJournal(join(folder, 'run.jsonl'))
      } else {
        const changed = damagedText(yaml, rng, PUNCTUATION)
        keep('config.yaml', changed)
        writeFileSync(join(folder, 'config.yaml'), changed)
        readConfig(join(folder, 'config.yaml'))
      }
      return 'ok'
    }
  },
}

export const stored: readonly Target[] = [manifest, checkpoint, detectors, runs]
