// A run in a few lines, and as the table of docs/reliability.md.
import type { State } from './protocol.ts'

/** What was run and what it came to, as a Markdown table and one closing line. */
export function report(state: State): string {
  const rows = Object.entries(state.counts).sort(([a], [b]) => (a < b ? -1 : 1))
  const of = (target: string, ...kinds: string[]): number =>
    state.faults.filter((fault) => fault.target === target && kinds.includes(fault.kind)).length
  const lines = rows.map(
    ([target, { cases, ok, refused }]) =>
      `| ${target} | ${cases} | ${ok} | ${refused} | ${of(target, 'raw', 'message')} | ${of(target, 'wrong')} |`,
  )
  const total = (kind: 'cases' | 'ok' | 'refused'): number => rows.reduce((sum, [, count]) => sum + count[kind], 0)
  const ended = state.faults.filter(
    ({ kind }) => kind === 'hang' || kind === 'slow' || kind === 'crash' || kind === 'memory',
  )
  const all = (...kinds: string[]): number => state.faults.filter((fault) => kinds.includes(fault.kind)).length
  return [
    '| input | cases | taken | refused | raw errors | silently wrong |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...lines,
    `| all | ${total('cases')} | ${total('ok')} | ${total('refused')} | ${all('raw', 'message')} | ${all('wrong')} |`,
    '',
    `seed ${state.seed}: ${total('cases') + state.skip.length} cases in ${Math.round(state.seconds)} s; crashes ${all('crash')}, over 2 s ${all('hang', 'slow')}, over 512 MB ${all('memory')}; slowest case ${Math.round(state.slowest)} ms, peak ${Math.round(state.peak)} MB`,
    ...(ended.length > 0
      ? ended.slice(0, 20).map(({ index, target, kind, detail }) => `case ${index} (${target}) ${kind}: ${detail}`)
      : []),
  ].join('\n')
}
