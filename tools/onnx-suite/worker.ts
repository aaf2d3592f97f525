// A process that checks cases as they are sent to it, by name.
import { checkCase } from './check-case.ts'
import { readSuite } from './suite.ts'

const folder = process.argv[2]!
const cases = new Map(readSuite(folder).cases.map((c) => [c.name, c]))
process.on('message', (name: string) => {
  checkCase(cases.get(name)!, folder).then(
    (findings) => process.send!(findings),
    (error: Error) => process.send!([{ case: name, step: 'check', kind: 'crash', detail: String(error.stack) }]),
  )
})
process.send!([])
