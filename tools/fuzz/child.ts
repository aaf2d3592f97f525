// The process that runs cases: told a range, it answers with counts and faults. Its supervisor sees in a small file which
// case is running and since how much processor time, so that a case that never ends can be named.
import { mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runner, targets } from './cases.ts'
import type { Chunk, Done, Fault } from './protocol.ts'

const [seedText, beat] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'ood-fuzz-'))
const run = runner(targets, Number(seedText), folder)
const pulse = openSync(beat!, 'r+')

/** Processor milliseconds of this process. */
const spent = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

process.on('message', async (chunk: Chunk) => {
  const counts: Done['counts'] = {}
  const faults: Fault[] = []
  let slowest = 0
  let peak = process.resourceUsage().maxRSS / 1024
  const skipped = new Set(chunk.skip)
  for (let index = chunk.from; index < chunk.to; index++) {
    if (skipped.has(index)) continue
    const before = spent()
    writeSync(pulse, `${index} ${before}\n`.padEnd(64), 0)
    const { target, kind, detail } = await run(index)
    const took = spent() - before
    const count = counts[target] ?? { cases: 0, ok: 0, refused: 0 }
    counts[target] = count
    count.cases++
    if (kind === 'ok' || kind === 'refused') count[kind]++
    else faults.push({ index, target, kind, detail })
    if (took > slowest) slowest = took
    if (took > chunk.limit)
      faults.push({ index, target, kind: 'slow', detail: `${Math.round(took)} ms of processor time` })
    const now = process.resourceUsage().maxRSS / 1024
    if (now > chunk.memory && peak <= chunk.memory)
      faults.push({ index, target, kind: 'memory', detail: `${Math.round(now)} MB, ${Math.round(peak)} before` })
    peak = Math.max(peak, now)
  }
  process.send!({ counts, faults, slowest, peak } satisfies Done)
})

process.on('disconnect', () => process.exit())
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
process.send!('ready')
