// `npm run bench -- [options]`: every row, ours and its Python peer by turns, to a table and bench/results.json.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { mismatch, OodError, unknownName } from '@ood/core'
import { writeFileAtomic } from '@ood/core/node'
import { formatTable, runMain } from '@ood/run'
import { type KeptRow, openKept } from './kept.ts'
import { load, machine, pinTo } from './machine.ts'
import { describePeaks, measurePeaks } from './peaks.ts'
import { findPython, type Peer, startPeer } from './peer.ts'
import { aurocRows } from './rows/auroc.ts'
import { diffusionLogProbRows } from './rows/diffusion-log-prob.ts'
import { dualRocRows } from './rows/dual-roc.ts'
import { flipdRows } from './rows/flipd.ts'
import { jacobianRows } from './rows/jacobian.ts'
import { jvpRows } from './rows/jvp.ts'
import { linearAlgebraRows } from './rows/linear-algebra.ts'
import { logProbRows } from './rows/log-prob.ts'
import { modelFreeLidRows } from './rows/model-free-lid.ts'
import { pixelcnnRows } from './rows/pixelcnn.ts'
import { scoreImagesRows } from './rows/score-images.ts'
import { smallLidRows } from './rows/small-lid.ts'
import type { Result, Row } from './types.ts'

const rows: readonly Row[] = [
  ...jacobianRows,
  ...jvpRows,
  ...flipdRows,
  ...diffusionLogProbRows,
  ...dualRocRows,
  ...aurocRows,
  ...logProbRows,
  ...scoreImagesRows,
  ...pixelcnnRows,
  ...linearAlgebraRows,
  ...modelFreeLidRows,
  ...smallLidRows,
]

const USAGE = `npm run bench -- [options]
  --only NAME  rows whose name contains NAME
  --runs N     timed runs of each side (default 7)
  --quick      small inputs and 2 runs: shows that everything works, times mean nothing
  --out FILE   where to write (default bench/results.json; with --only or --quick nothing). A run that is stopped keeps
               its finished rows in FILE.part, and the same command goes on after them
Python with PyTorch and scikit-learn: OOD_PYTHON, else .venv/bin/python, else peers are left out.`

interface Options {
  only: string
  runs: number
  quick: boolean
  out: string | undefined
}

function readOptions(argv: string[]): Options | undefined {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  let values: { only?: string; runs?: string; out?: string; quick: boolean; help: boolean }
  try {
    values = parseArgs({ args: argv, options: { only: text, runs: text, out: text, quick: flag, help: flag } }).values
  } catch (cause) {
    throw new OodError('E_ARGUMENT', `bench: ${(cause as Error).message}`, { cause })
  }
  if (values.help) return undefined
  const runs = Number(values.runs ?? (values.quick ? 2 : 7))
  if (!(Number.isInteger(runs) && runs > 0)) throw mismatch('E_ARGUMENT', '--runs', 'a positive integer', values.runs)
  const whole = values.only === undefined && !values.quick
  const out = values.out ?? (whole ? fileURLToPath(new URL('./results.json', import.meta.url)) : undefined)
  return { only: values.only ?? '', runs, quick: values.quick, out }
}

async function bench(options: Options, chosen: readonly Row[], peer: Peer | undefined, folder: string): Promise<void> {
  const { runs, quick, out } = options
  const pids = [process.pid, ...(peer ? [peer.pid] : [])]
  let pinned = true
  const pin = (threads: number) => {
    pinned = pinTo(threads, pids) && pinned
  }
  const about = machine()
  const head = { runs, quick, cpu: about.cpu, node: about.node, versions: peer?.versions ?? null }
  const kept = out === undefined ? undefined : openKept(`${out}.part`, head)
  const earlier = chosen.filter(({ name }) => kept?.earlier.has(name)).length
  if (earlier > 0)
    process.stderr.write(
      `${earlier} of ${chosen.length} rows are there from a stopped run; delete ${out}.part to measure them again\n`,
    )
  const peaks = await measurePeaks({ peer, pin, quick })
  const done: KeptRow[] = []
  for (const { name, run } of chosen) {
    const before = kept?.earlier.get(name)
    if (before) {
      done.push(before)
      continue
    }
    process.stderr.write(`${name} ...\n`)
    const result = { name, ...(await run({ runs, quick, peer, peaks, folder, pin })) }
    const row = { date: new Date().toISOString(), load: load(), result }
    done.push(row)
    // At once, to the file and to the terminal: whoever stops the run keeps what is finished.
    kept?.append(row)
    process.stdout.write(`${lineOf(result)}\n`)
  }
  const results = done.map(({ result }) => result)
  const report = {
    date: new Date().toISOString(),
    machine: { ...about, load_after: load() },
    versions: peer?.versions ?? null,
    pinned_to_same_cores: pinned,
    peaks: describePeaks(peaks),
    // A run that was stopped and went on: which rows are from when.
    ...(earlier > 0 && { stopped_and_resumed: done.map(({ date, load, result: { name } }) => ({ name, date, load })) }),
    rows: results,
  }
  process.stdout.write(`\n${table(results)}\n`)
  if (quick) process.stdout.write('--quick: small inputs, the times mean nothing\n')
  if (out === undefined) return
  await writeFileAtomic(out, `${JSON.stringify(report, null, 2)}\n`)
  kept?.remove()
  process.stdout.write(`\nwritten to ${out}\n`)
}

const short = (value: number | null): string => (value === null ? '' : String(Number(value.toPrecision(3))))

function lineOf({ name, ours_ms, peer_ms, ratio }: Result): string {
  const peer = peer_ms === null ? '' : `, peer ${short(peer_ms)} ms, ratio ${short(ratio)}`
  return `${name}: ${short(ours_ms)} ms${peer}`
}

function table(results: readonly Result[]): string {
  const head = ['row', 'ours ms', 'peer ms', 'ratio', 'aim', '', 'bound ms', 'x bound', 'peer']
  const body = results.map((r) => [
    r.name,
    short(r.ours_ms),
    short(r.peer_ms),
    short(r.ratio),
    r.aim ?? '',
    r.met === undefined ? '' : r.met ? 'met' : 'MISSED',
    short(r.bound_ms),
    short(r.distance),
    r.peer ?? '',
  ])
  return formatTable([head, ...body])
}

await runMain(
  async () => {
    const options = readOptions(process.argv.slice(2))
    if (!options) return void process.stdout.write(`${USAGE}\n`)
    const chosen = rows.filter(({ name }) => name.includes(options.only))
    if (chosen.length === 0)
      throw unknownName(
        'bench --only',
        options.only,
        rows.map(({ name }) => name),
      )
    const python = findPython()
    if (!python)
      process.stderr.write('no Python: set OOD_PYTHON or make .venv (see bench/README.md); peers are left out\n')
    const peer = python ? await startPeer(python) : undefined
    const folder = await mkdtemp(join(tmpdir(), 'ood-bench-'))
    try {
      await bench(options, chosen, peer, folder)
    } finally {
      peer?.close()
      await rm(folder, { recursive: true, force: true })
    }
  },
  {
    stoppedHint:
      'finished rows are kept, the same command goes on after them (with --only or --quick: if --out is given)',
    graceMs: 0,
  },
)
