// The league: every method on both sides against validation sets, and in a report run against sets no choice has seen.
import { parseArgs } from 'node:util'
import { mismatch } from '@ood/core'
import {
  availableMethods,
  byRole,
  type ColumnStore,
  compare,
  createMeasurer,
  type MethodResult,
  makeMethod,
  methodEntry,
  openModel,
} from '@ood/methods'
import { formatTable, openRun, progressBar, runMain } from '@ood/run'
import { checkpointPath } from '@ood/zoo'
import { machine } from '../machine.ts'
import { leagueMarkdown, type SideResult } from './report.ts'
import { loadLeague, type Side, sides } from './sets.ts'

const usage = `npm run league -- --data-dir FOLDER [options]
  --data-dir FOLDER   official files in FOLDER/<data set>/ (default OOD_DATA_DIR)
  --cifar FOLDER      folder of CIFAR-10 pictures, a validation set
  --n N               images of every set (default 128)
  --fit N             training images for fitting (default 512)
  --methods A,B       methods by name (default: all but the slow ones)
  --sides fmnist,mnist
  --report            also score test images and the sets that no choice has seen: the other data set, and
  --report-set NAME=FOLDER  more of them (implies --report; may be given several times)
  --run NAME          write runs/NAME/ (default league)
`

await runMain(async (signal) => {
  const { values } = parseArgs({
    options: {
      'data-dir': { type: 'string' },
      cifar: { type: 'string' },
      n: { type: 'string', default: '128' },
      fit: { type: 'string', default: '512' },
      methods: { type: 'string' },
      sides: { type: 'string', default: 'fmnist,mnist' },
      report: { type: 'boolean', default: false },
      'report-set': { type: 'string', multiple: true, default: [] },
      run: { type: 'string', default: 'league' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) return void process.stdout.write(usage)
  const dataDir = values['data-dir'] ?? process.env.OOD_DATA_DIR
  if (!dataDir) throw mismatch('E_ARGUMENT', '--data-dir', 'a folder (or OOD_DATA_DIR)', undefined)
  const [n, fit] = [Number(values.n), Number(values.fit)]
  const extra = Object.fromEntries(values['report-set'].map((text) => text.split('=', 2) as [string, string]))
  const report = values.report || values['report-set'].length > 0 ? extra : undefined
  const chosen = sides.filter(({ key }) => values.sides.split(',').includes(key))
  const bar = progressBar(process.stderr)
  const run = openRun({
    folder: `runs/${values.run}`,
    config: { n, fit, data: dataDir, cifar: values.cifar ?? null, sides: chosen.map(({ key }) => key) },
  })
  const results: SideResult[] = []
  try {
    for (const side of chosen) {
      const opened = await Promise.all(checkpoints(side).map((name) => openModel(checkpointPath(name))))
      const models = byRole(opened)
      const names =
        values.methods?.split(',').map((name) => methodEntry(name).name) ??
        availableMethods(models).map(({ name }) => name)
      const methods = Object.fromEntries(names.map((name) => [name, makeMethod(name, models)]))
      const {
        train,
        heldOut,
        validation,
        report: last,
      } = await loadLeague(side, { dataDir, cifar: values.cifar, fit, n, seed: 0, report })
      const store = {
        batches: ((name, ...rest) => run.batches(`${side.key}/${name}`, ...rest)) as ColumnStore['batches'],
      }
      const measurer = createMeasurer({ store, signal, onProgress: bar.update })
      const call = { methods, train, measurer, signal }
      const found = await compare({ ...call, inDistribution: heldOut, ood: validation })
      const reported = last && (await compare({ ...call, inDistribution: last.test, inName: 'test', ood: last.ood }))
      for (const opened_ of opened) await opened_.release()
      bar.stop()
      for (const { method, error } of found.failures) process.stdout.write(`${method}: ${error}\n`)
      print(`${side.dataset}, validation sets (choices may look at them)`, found.results)
      if (reported) print(`${side.dataset}, report sets`, reported.results)
      const plain = (results: MethodResult[]) => results.map(({ scores: _, ...rest }) => rest)
      const result: SideResult = {
        side,
        n,
        fit,
        validation: plain(found.results),
        report: reported ? plain(reported.results) : null,
      }
      run.writeJson(`${side.key}.json`, result)
      results.push(result)
    }
    const { cpu, cores, node } = machine()
    const facts = `\`npm run league -- --n ${n} --fit ${fit}${report ? ' --report' : ''}\`, ${new Date().toISOString().slice(0, 10)}, ${cores} cores of ${cpu}, Node ${node}.`
    run.writeText('league.md', `${leagueMarkdown(results, facts)}\n`)
    run.finish()
  } finally {
    run.close()
    bar.stop()
  }
})

/** One table: a row a method, best mean first. */
function print(title: string, results: readonly MethodResult[]): void {
  const sets = results[0]?.rows.map(({ set }) => set) ?? []
  const rows = [...results]
    .sort((a, b) => b.meanAuroc - a.meanAuroc)
    .map(({ method, meanAuroc, rows: found, seconds, falsePositiveRate }) => [
      method,
      meanAuroc,
      ...found.map(({ auroc }) => auroc),
      falsePositiveRate,
      seconds,
    ])
  const head = ['method', 'mean', ...sets.map((set) => set.slice(0, 8)), 'flagged in', 's/image']
  process.stdout.write(`\n${title}\n${formatTable([head, ...rows])}\n`)
}

function checkpoints({ key }: Side): string[] {
  return ['flow', 'pixelcnn', 'diffusion'].flatMap((kind) =>
    kind === 'diffusion' ? [`diffusion-${key}`] : [`${kind}-${key}`, `${kind}-${key}-background`],
  )
}
