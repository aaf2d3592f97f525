// The report: one file, nothing loaded, everything escaped.
import { describe, expect, it } from 'vitest'
import { htmlReport, inlineMarkdown, markdown, type ReportBlock, renderSvg } from '../src/index.ts'
import { charts, grids } from './charts.ts'

const report = (...blocks: ReportBlock[]) => htmlReport({ title: 't', sections: [{ heading: 'h', blocks }] })

describe('htmlReport', () => {
  it('is one file that loads nothing and runs nothing', async () => {
    const svg = await renderSvg(charts.histogram!)
    const html = report({ svg, caption: 'c' }, { svg: grids['image-grid']! }, { figures: [{ svg }, { svg }] })
    expect(html).toMatch(/^<!doctype html>/)
    expect(html).not.toMatch(/<script|<link|@import|url\((?!#)/)
    // Addresses are only names of namespaces here; pictures are data.
    for (const [, value] of html.matchAll(/(?:src|href)="([^"]*)"/g))
      expect(value).toMatch(/^(#|data:image\/png;base64,)/)
    expect(html).toContain("default-src 'none'")
  })

  it('gives the ids of every figure a prefix of its own', () => {
    const svg =
      '<svg xmlns="x"><clipPath id="clip0"></clipPath><g clip-path="url(#clip0)"><use href="#clip0"/></g></svg>'
    const html = report({ svg }, { svg })
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map((match) => match[1])
    expect(new Set(ids).size).toBe(ids.length)
    expect(html).toContain(
      '<clipPath id="f2-clip0"></clipPath><g clip-path="url(#f2-clip0)"><use href="#f2-clip0"/></g>',
    )
  })

  it('numbers every figure in the order of the page, with words or without', () => {
    const svg = '<svg xmlns="x"></svg>'
    const html = report({ svg, caption: 'one' }, { figures: [{ svg }, { svg, caption: 'three' }] }, { svg })
    expect([...html.matchAll(/<figcaption>(.*?)<\/figcaption>/g)].map(([, text]) => text)).toEqual([
      'Figure 1. one',
      'Figure 2.',
      'Figure 3. three',
      'Figure 4.',
    ])
  })

  it('shows the facts below the title, and what a highlight rests on', () => {
    const html = htmlReport({
      title: 't',
      facts: [
        { label: 'images', value: '64 a split' },
        { label: 'date', value: '2026-01-02' },
      ],
      intro: 'i',
      highlights: [{ value: '0.958', note: '0.921 to 0.981, n = 64', label: 'AUC' }],
      sections: [{ heading: 'h', blocks: [{ text: 'x' }] }],
    })
    expect(html).toMatch(
      /<h1>t<\/h1>\n<dl class="facts"><div><dt>images<\/dt><dd>64 a split<\/dd><\/div>.*<\/dl>\n<div class="intro">/,
    )
    expect(html).toContain('<dd>0.958<small>0.921 to 0.981, n = 64</small></dd><dt>AUC</dt>')
  })

  it('rounds nothing to a bare 1 or 0', () => {
    const html = report({ table: [['AUC'], [0.99997], [1], [0], [0.00001], [0.5]] })
    expect([...html.matchAll(/<td class="n">(.*?)<\/td>/g)].map(([, text]) => text)).toEqual([
      '&gt; 0.999',
      '1',
      '0',
      '&lt; 0.001',
      '0.500',
    ])
  })

  it('escapes every text', () => {
    const evil = '<img src=x onerror="alert(1)">&\'"'
    const html = htmlReport({
      title: evil,
      intro: evil,
      highlights: [{ value: evil, label: evil }],
      sections: [
        {
          heading: evil,
          blocks: [{ text: evil }, { table: [[evil], [evil]], caption: evil }, { svg: '<svg></svg>', caption: evil }],
        },
      ],
      footer: evil,
      lang: '"><script>',
    })
    expect(html).not.toContain('<img')
    expect(html).not.toContain('<script')
    expect(html.match(/&lt;img src=x onerror=&quot;alert\(1\)&quot;&gt;&amp;&#39;&quot;/g)).toHaveLength(12)
  })

  it('numbers figures and tables, aligns numbers, keeps digits', () => {
    const html = report({
      table: [
        ['pair', 'AUC', 'n', 'note'],
        ['a', 0.29114, 64, ''],
        ['b', 1, 128, undefined],
        ['c', -0.5, 3, '**best**'],
      ],
      caption: 'Areas',
    })
    expect(html).toContain('<caption>Table 1. Areas</caption>')
    expect(html).toContain('<th scope="col">pair</th><th scope="col" class="n">AUC</th>')
    expect(html).toContain('<td>a</td><td class="n">0.291</td><td class="n">64</td><td></td>')
    expect(html).toContain('<td class="n">1</td><td class="n">128</td>')
    expect(html).toContain('<td class="n">\u22120.500</td><td class="n">3</td><td><strong>best</strong></td>')
  })

  it('is the same every time', async () => {
    const svg = await renderSvg(charts.roc!)
    expect(report({ svg })).toBe(report({ svg: await renderSvg(charts.roc!) }))
  })

  it.each([
    ['no sections', () => htmlReport({ title: 't', sections: [] }), 'E_EMPTY', 'htmlReport sections'],
    [
      'a figure that is no SVG',
      () => report({ svg: '<p></p>' }),
      'E_ARGUMENT',
      'htmlReport figure 1: expected an <svg> element',
    ],
    ['a figure with a script', () => report({ svg: '<svg><script>1</script></svg>' }), 'E_ARGUMENT', 'without scripts'],
    ['a figure with a handler', () => report({ svg: '<svg onload="1"></svg>' }), 'E_ARGUMENT', 'without scripts'],
    ['two elements', () => report({ svg: '<svg></svg><p></p>' }), 'E_ARGUMENT', 'an <svg> element'],
    ['an empty table', () => report({ table: [] }), 'E_EMPTY', 'htmlReport table 1'],
    [
      'uneven rows',
      () => report({ table: [['a', 'b'], ['c']] }),
      'E_SHAPE',
      'htmlReport table 1: expected 2 cells a row, got 1',
    ],
  ])('refuses %s', (_, make, code, message) => {
    expect(make).toThrowError(expect.objectContaining({ code, message: expect.stringContaining(message) }))
  })
})

describe('markdown', () => {
  it.each([
    ['one\ntwo\n\nthree', '<p>one two</p>\n<p>three</p>'],
    ['- a\n- b\n  goes on\n\n1. c\n2. d', '<ul><li>a</li><li>b goes on</li></ul>\n<ol><li>c</li><li>d</li></ol>'],
    ['before:\n- a', '<p>before:</p>\n<ul><li>a</li></ul>'],
    ['```\na <b>\n\n- c\n```\nd', '<pre><code>a &lt;b&gt;\n\n- c</code></pre>\n<p>d</p>'],
    ['```\nopen', '<pre><code>open</code></pre>'],
    ['', ''],
  ])('%j', (text, html) => expect(markdown(text)).toBe(html))

  it.each([
    ['**a** and *b* and `**c** <d>`', '<strong>a</strong> and <em>b</em> and <code>**c** &lt;d&gt;</code>'],
    ['3 * 4 * 5, a*b*c', '3 * 4 * 5, a*b*c'],
    ['[x](https://a.org/b_c?d=1&e=2)', '<a href="https://a.org/b_c?d=1&amp;e=2">x</a>'],
    [
      '[x](metrics.csv) [y](#s1) [z](./a/b.svg)',
      '<a href="metrics.csv">x</a> <a href="#s1">y</a> <a href="./a/b.svg">z</a>',
    ],
    ['[x](javascript:alert(1))', '[x](javascript:alert(1))'],
    ['[x](data:text/html,1)', '[x](data:text/html,1)'],
    ['[x](https://a.org/"onclick="1)', '<a href="https://a.org/&quot;onclick=&quot;1">x</a>'],
  ])('%s', (text, html) => expect(inlineMarkdown(text)).toBe(html))
})
