// Pictures compared with stored ones: every chart as SVG. Look at them when they change, then run with `-u`.
import { describe, expect, it } from 'vitest'
import { renderSvg } from '../src/index.ts'
import { charts, grids } from './charts.ts'

describe('stored pictures', () => {
  it.each(Object.entries(charts))('%s', async (name, spec) => {
    const warnings: string[] = []
    const svg = await renderSvg(spec, { onWarning: (message) => warnings.push(message) })
    expect(warnings).toEqual([])
    await expect(readable(svg)).toMatchFileSnapshot(`./snapshots/${name}.svg`)
  })

  it.each(Object.entries(grids))('%s', async (name, svg) => {
    // The bytes zlib writes may differ between its versions; the pixels are tested by themselves.
    const stripped = svg.replace(/base64,[A-Za-z0-9+/=]+/g, 'base64,')
    await expect(readable(stripped)).toMatchFileSnapshot(`./snapshots/${name}.svg`)
  })
})

/** One element a line, so that a difference can be read. */
function readable(svg: string): string {
  return `${svg.replace(/></g, '>\n<')}\n`
}
