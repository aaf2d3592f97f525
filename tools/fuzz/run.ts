// Fuzzes readers, graphs and stored forms: `npm run fuzz -- --minutes 5`. Seeded; a killed run continues where it was.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeFileAtomicSync } from '@ood/core/node'
import { runner, targets } from './cases.ts'
import { repository } from './corpus.ts'
import type { State } from './protocol.ts'
import { report } from './report.ts'
import { supervise } from './supervise.ts'

const HELP = `npm run fuzz -- [--minutes N] [--cases N] [--seed S] [--fresh] [--only CASE] [--folder FOLDER]

  --minutes N   stop after N minutes (default 1 without --cases)
  --cases N     stop when N cases of this seed have been run, over all starts
  --seed S      which cases (default 0)
  --fresh       forget what was run with this seed
  --only CASE   run one case, say what became of it and keep its input
  --folder F    where runs are kept (default .cache/fuzz)`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    cases: { type: 'string' },
    seed: { type: 'string', default: '0' },
    fresh: { type: 'boolean', default: false },
    only: { type: 'string' },
    folder: { type: 'string', default: join(repository, '.cache/fuzz') },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

function number(name: 'minutes' | 'cases' | 'seed' | 'only'): number {
  const value = Number(values[name])
  if (!Number.isFinite(value) || value < 0 || (name !== 'minutes' && !Number.isSafeInteger(value))) {
    process.stderr.write(`--${name}: expected a number, got ${values[name]}\n`)
    process.exit(2)
  }
  return value
}

if (values.help) process.stdout.write(`${HELP}\n`)
else if (values.only !== undefined) await one(number('only'))
else await all()

async function one(index: number): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'ood-fuzz-'))
  const kept = join(values.folder, `case-${values.seed}-${index}`)
  mkdirSync(kept, { recursive: true })
  const before = performance.now()
  const verdict = await runner(
    targets,
    number('seed'),
    scratch,
  )(index, (name, bytes) => writeFileSync(join(kept, name), bytes))
  rmSync(scratch, { recursive: true, force: true })
  const { target, kind, detail } = verdict
  const peak = Math.round(process.resourceUsage().maxRSS / 1024)
  process.stdout.write(
    `case ${index} (${target}) ${kind} in ${Math.round(performance.now() - before)} ms, peak ${peak} MB: ${detail}\ninput in ${kept}\n`,
  )
  if (kind !== 'ok' && kind !== 'refused') process.exitCode = 1
}

async function all(): Promise<void> {
  const seed = number('seed')
  const file = join(values.folder, `seed-${seed}.json`)
  mkdirSync(values.folder, { recursive: true })
  if (values.fresh) rmSync(file, { force: true })
  const state: State = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as State)
    : { seed, next: 0, skip: [], seconds: 0, counts: {}, faults: [], slowest: 0, peak: 0 }
  if (state.next > 0) process.stdout.write(`seed ${seed} continues at case ${state.next}\n`)
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopped.abort())
  const minutes =
    values.minutes === undefined ? (values.cases === undefined ? 1 : Number.POSITIVE_INFINITY) : number('minutes')
  let seen = state.faults.length
  await supervise(
    state,
    {
      cases: values.cases === undefined ? Number.MAX_SAFE_INTEGER : number('cases'),
      milliseconds: minutes * 60_000,
      limit: 2000,
      memory: 512,
      signal: stopped.signal,
    },
    (now) => {
      writeFileAtomicSync(file, JSON.stringify(now))
      for (const { index, target, kind, detail } of now.faults.slice(seen))
        process.stdout.write(`case ${index} (${target}) ${kind}: ${detail}\n`)
      seen = now.faults.length
    },
  )
  process.stdout.write(`${report(state)}\n`)
  if (state.faults.length > 0) process.exitCode = 1
}
