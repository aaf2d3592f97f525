// Speaks the fuzz protocol with planted faults: case 3 never ends, case 5 ends the process, case 7 is a raw error.
import { openSync, writeSync } from 'node:fs'
import type { Chunk, Done } from '../../fuzz/protocol.ts'

const pulse = openSync(process.argv[3]!, 'r+')
process.on('message', (chunk: Chunk) => {
  const done: Done = { counts: { planted: { cases: 0, ok: 0, refused: 0 } }, faults: [], slowest: 1, peak: 100 }
  const count = done.counts.planted!
  for (let index = chunk.from; index < chunk.to; index++) {
    if (chunk.skip.includes(index)) continue
    const { user, system } = process.cpuUsage()
    writeSync(pulse, `${index} ${(user + system) / 1000}\n`.padEnd(64), 0)
    while (index === 3) Math.sqrt(index)
    if (index === 5) process.exit(9)
    count.cases++
    if (index === 7) done.faults.push({ index, target: 'planted', kind: 'raw', detail: 'TypeError' })
    else count.ok++
  }
  process.send!(done)
})
process.send!('ready')
