// The style sheet of reports: system fonts, light and dark, phone to paper.

/**
 * CSS text. In dark mode the cards of figures are dark, too: style sheets win over the colours that SVG attributes give, so
 * page, ink and grid are exchanged there and the colours of the data stay. On a phone figures keep the size of their text
 * and scroll sideways.
 */
export const styleSheet = `:root { color-scheme: light dark; --ink: #1d1f23; --quiet: #5c626b; --line: #d9dce1; --page: #ffffff; --card: #f5f6f8; --link: #0b62a8; --plot: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --quiet: #a2a9b3; --line: #3a3f47; --page: #16181c; --card: #20242a; --link: #74b9f2; --plot: #1b1e23; }
figure svg > rect[fill="#ffffff"], figure svg rect.background { fill: var(--plot); }
figure svg [fill="#222222"] { fill: var(--ink); }
figure svg [fill="#555555"] { fill: var(--quiet); }
figure svg [stroke="#555555"], figure svg [stroke="#444444"], figure svg [stroke="#999999"] { stroke: #8b929c; }
figure svg [stroke="#e6e6e6"] { stroke: #30353c; }
figure svg text[fill="#ffffff"][stroke="#ffffff"] { fill: var(--plot); stroke: var(--plot); } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 1180px; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Helvetica, Arial, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .75rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--line); }
p, ul, ol { max-width: 46rem; margin: .6rem 0; }
a { color: var(--link); }
code { font: .9em ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; background: var(--card); padding: .1em .3em; border-radius: 3px; }
pre { background: var(--card); padding: .75rem 1rem; overflow-x: auto; border-radius: 6px; }
pre code { padding: 0; background: none; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; margin: 1.25rem 0 0; max-width: none; }
.facts { display: flex; flex-wrap: wrap; gap: .2rem 1.25rem; margin: 0 0 1rem; color: var(--quiet); font-size: .9rem; }
.facts div { display: flex; gap: .4rem; }
.facts dd { margin: 0; color: var(--ink); }
.highlights small { display: block; color: var(--quiet); font-size: .85rem; font-weight: 400; }
.highlights { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0; }
.highlights div { flex: 1 1 11rem; background: var(--card); border-radius: 8px; padding: .75rem 1rem; }
.highlights dd { margin: 0; font-size: 1.5rem; font-weight: 650; font-variant-numeric: tabular-nums; }
.highlights dt { color: var(--quiet); font-size: .9rem; line-height: 1.35; }
figure { margin: 1.25rem 0; min-width: 0; }
figure svg { display: block; max-width: 100%; height: auto; background: var(--plot); border: 1px solid var(--line); border-radius: 6px; }
figcaption, caption { color: var(--quiet); font-size: .9rem; line-height: 1.45; max-width: 46rem; }
figcaption { margin-top: .5rem; }
.side-by-side { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); gap: 0 1.25rem; align-items: start; }
.table { overflow-x: auto; margin: 1.25rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .5rem; }
th, td { padding: .4rem .9rem .4rem 0; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
th { border-bottom: 2px solid var(--line); font-weight: 600; vertical-align: bottom; }
th.n, td.n { text-align: right; white-space: nowrap; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--quiet); font-size: .9rem; }
@media (max-width: 40rem) { body { padding: 1.25rem .9rem 3rem; } h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; } .plot { overflow-x: auto; } figure svg { max-width: none; } .highlights dd { font-size: 1.25rem; } th.n, td.n { white-space: normal; } }
@media print { :root { --ink: #000000; --quiet: #444444; --line: #bbbbbb; --page: #ffffff; --card: #f3f3f3; --link: #000000; } body { max-width: none; padding: 0; font-size: 11pt; } figure, tr, .highlights div { break-inside: avoid; } h2 { break-after: avoid; } nav { display: none; } }`
