// Runs the ONNX standard's node tests against @ood/onnx: `npx tsx --conditions=@ood/source tools/onnx-suite/run.ts --python PYTHON`.
import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Finding, Kind } from './check-case.ts'
import { judge, type Refusal } from './refused.ts'
import { readSuite } from './suite.ts'

const LONGEST = 60_000

const { values: options } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    only: { type: 'string', default: '' },
    workers: { type: 'string', default: '2' },
    findings: { type: 'string' },
    folder: { type: 'string' },
  },
})

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Calls training/ood_training/node_suite.py. */
function python(command: 'write' | 'check', folder: string): string {
  const env = { ...process.env, PYTHONPATH: here('../../training') }
  const args = ['-m', 'ood_training.node_suite', command, folder]
  return execFileSync(options.python, args, { env, encoding: 'utf8', maxBuffer: 2 ** 28 })
}

/** All findings of the named cases, in `count` processes; one that dies or hangs is a crash of its case. */
async function inProcesses(folder: string, names: readonly string[], count: number): Promise<Finding[]> {
  const waiting = [...names]
  const findings: Finding[] = []
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let child: ChildProcess
      let current: string | undefined
      let timer: NodeJS.Timeout | undefined
      const next = (): void => {
        clearTimeout(timer)
        current = waiting.shift()
        if (current === undefined) {
          child.removeAllListeners('exit')
          child.kill()
          resolve()
          return
        }
        timer = setTimeout(() => child.kill('SIGKILL'), LONGEST)
        child.send(current)
      }
      const start = (): void => {
        child = fork(here('./worker.ts'), [folder], {
          env: { ...process.env, ALLOW_RELEASED_ONNX_OPSET_ONLY: '0' },
          stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        })
        child.on('message', (found: Finding[]) => {
          findings.push(...found)
          next()
        })
        child.on('exit', (code, signal) => {
          if (current === undefined) {
            reject(new Error(`a worker ended with ${signal ?? code} before its first case`))
            return
          }
          findings.push({ case: current, step: 'check', kind: 'crash', detail: `process ended with ${signal ?? code}` })
          current = undefined
          start()
        })
      }
      start()
    })
  await Promise.all(Array.from({ length: count }, one))
  return findings
}

/** What onnx.checker says of the files written for cases whose own file it accepts. */
function invalid(folder: string): Finding[] {
  const lines = python('check', folder)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { file: string; error: string })
  const excused = new Set(lines.map(({ file }) => /^models\/(.*)\.onnx$/.exec(file)?.[1]))
  return lines.flatMap(({ file, error }): Finding[] => {
    const parts = /^written\/([^.]*)\.(.*)\.onnx$/.exec(file)
    if (!parts || excused.has(parts[1]!)) return []
    return [{ case: parts[1]!, step: parts[2]!.replace('-', ' '), kind: 'invalid', detail: `onnx.checker: ${error}` }]
  })
}

async function main(): Promise<number> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'onnx-suite-'))
  try {
    if (options.folder === undefined) python('write', folder)
    rmSync(join(folder, 'written'), { recursive: true, force: true })
    const { version, cases } = readSuite(folder)
    const names = cases.map((c) => c.name).filter((name) => new RegExp(options.only).test(name))
    const findings = [...(await inProcesses(folder, names, Number(options.workers))), ...invalid(folder)]
    if (options.findings) writeFileSync(options.findings, findings.map((f) => `${JSON.stringify(f)}\n`).join(''))
    const listed = JSON.parse(readFileSync(here('./refused.json'), 'utf8')) as Refusal[]
    const { faults, refused } = judge(findings, listed, new Set(names))
    for (const line of faults.slice(0, 200)) console.log(line)
    const cast = (kind: Kind, step = ''): number =>
      new Set(findings.filter((f) => f.kind === kind && f.step.includes(step)).map((f) => f.case)).size
    console.log(
      `ONNX node tests of onnx ${version}: ${names.length} cases, ${findings.length} checks; wrong ${cast('wrong')}, ` +
        `crash ${cast('crash')}, invalid ${cast('invalid')}, refused ${refused} (all listed with a reason), ` +
        `not run by the engine ${cast('unrunnable', 'run')}; ${faults.length} faults`,
    )
    return faults.length > 0 ? 1 : 0
  } finally {
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

process.exitCode = await main()
