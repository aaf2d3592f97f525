// Reports whose words are Markdown: values in their places, figures in rows, what is absent left out, and one-line errors.
import { describe, expect, it } from 'vitest'
import { fillTemplate, htmlReport, writtenReport } from '../src/index.ts'

describe('fillTemplate', () => {
  it.each([
    ['AUC {{auc}}, {{ of.ood }}.', 'AUC 0.25, MNIST.'],
    ['{{#all}}{{name}} of {{auc}}; {{/all}}', 'log p of 0.25; LID of 0.5; '],
    ['{{#of}}{{ood}} {{auc}}{{/of}}', 'MNIST 0.25'],
    ['{{#none}}a{{/none}}{{^none}}b{{/none}}', 'b'],
    ['{{#missing}}a{{/missing}}{{^missing}}b{{/missing}}', 'b'],
    ['{{#yes}}a{{/yes}}{{^yes}}b{{/yes}}', 'a'],
    ['a\n{{#yes}}\nb\n{{/yes}}\nc', 'a\nb\nc'],
    ['{{#all}}{{#yes}}{{name}}{{/yes}}{{/all}}', 'log pLID'],
    ['no {braces} {{ here', 'no {braces} {{ here'],
    ['[{{missing}}]', '[]'],
  ])('fills %j', (text, filled) => {
    const values = { auc: 0.25, of: { ood: 'MNIST' }, none: [], yes: true, missing: undefined }
    expect(fillTemplate(text, { ...values, all: [{ name: 'log p' }, { name: 'LID', auc: 0.5 }] })).toBe(filled)
  })

  it('does not read a value as a template', () => {
    expect(fillTemplate('{{a}}', { a: '{{b}} $& {{#a}}' })).toBe('{{b}} $& {{#a}}')
  })

  it.each([
    ['{{b}}', 'template value: expected one of a, got b'],
    ['{{a.c}}', 'template value: expected one of b, got a.c'],
    ['{{toString}}', 'template value: expected one of a, got toString'],
    ['{{#a}}x', 'template: expected {{/a}}, got the end of the text'],
    ['{{#a}}{{/b}}', 'template: expected {{/a}}, got {{/b}}'],
    ['{{/a}}', 'template: expected an opening tag first, got {{/a}}'],
  ])('refuses %j', (text, message) => {
    expect(() => fillTemplate(text, { a: { b: 1 } })).toThrow(message)
  })
})

const svg = (name: string) => ({ svg: `<svg><title>${name}</title></svg>` })

describe('writtenReport', () => {
  const text = `# Likelihoods of {{inside}}

By likelihood alone the AUC is
{{auc}}.

> {{auc}} | AUC, {{inside}} | {{range}}
> 5 | plain

Second paragraph.

{{#directions}}
## Against {{ood}}

Words of
{{ood}}.

![Bits of {{ood}} [nats](https://a.b).]({{figures.left}})
![]({{figures.right}})

- a list

![gone]({{figures.none}})

![All scores.]({{table}})
{{/directions}}

---

No more of {{inside}}.
`
  const figures = { left: svg('left'), right: { ...svg('right'), caption: 'own' }, none: undefined }
  const table = { table: [['a'], [1]] }
  const values = { inside: 'MNIST', auc: '0.25', range: '', directions: [{ ood: 'CIFAR', figures, table }] }

  it('has title, intro, large numbers, sections and footer', () => {
    expect(writtenReport(text, values)).toEqual({
      title: 'Likelihoods of MNIST',
      intro: 'By likelihood alone the AUC is\n0.25.\n\n\nSecond paragraph.',
      highlights: [
        { value: '0.25', label: 'AUC, MNIST' },
        { value: '5', label: 'plain' },
      ],
      sections: [
        {
          heading: 'Against CIFAR',
          blocks: [
            { text: 'Words of\nCIFAR.' },
            {
              figures: [
                { ...svg('left'), caption: 'Bits of CIFAR [nats](https://a.b).' },
                { ...svg('right'), caption: 'own' },
              ],
            },
            { text: '- a list' },
            { ...table, caption: 'All scores.' },
          ],
        },
      ],
      footer: 'No more of MNIST.',
    })
  })

  it('is what htmlReport takes, Windows line ends or not', () => {
    const html = htmlReport(writtenReport(text, values))
    expect(html).toContain('<figcaption>Figure 1. Bits of CIFAR <a href="https://a.b">nats</a>.</figcaption>')
    expect(html).toContain('<caption>Table 1. All scores.</caption>')
    expect(htmlReport(writtenReport(text.replaceAll('\n', '\r\n'), values))).toBe(html)
  })

  it('keeps tables out of rows of figures', () => {
    const found = writtenReport('# T\n## S\n![]({{a}})\n![]({{t}})', { a: svg('a'), t: table })
    expect(found.sections[0]!.blocks).toEqual([svg('a'), table])
  })

  it.each([
    ['Title', 'first line of a report: expected # and a title, got Title'],
    ['', 'first line of a report: expected # and a title'],
    ['# T\n## S\n![words](a)', '![...](a) of a report: expected the {{name}} of a figure or table, got a'],
    ['# T\n## S\nSee {{a}}.', 'report after "See ": expected text, got a figure, table or list'],
    ['# T {{a}}', 'expected text, got a figure, table or list'],
    ['# T\n## S\n![]({{b}})', 'template value: expected one of a, got b'],
  ])('refuses %j', (bad, message) => {
    expect(() => writtenReport(bad, { a: svg('a') })).toThrow(message)
  })
})
