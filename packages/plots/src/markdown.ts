// The little Markdown that reports need: paragraphs, lists, emphasis, code and links; everything else is escaped text.
import { escapeHtml } from './internal/escape.ts'

/**
 * HTML of a text in a small part of Markdown: paragraphs and `- ` or `1. ` lists separated by blank lines, fenced code,
 * `**strong**`, `*emphasis*`, `` `code` `` and `[text](https://...)`. HTML in the text is shown, never interpreted; links
 * other than http, https, mailto, `#` and relative ones stay text.
 *
 * @example
 * markdown('The model calls digits **more** likely.') // <p>The model calls digits <strong>more</strong> likely.</p>
 */
export function markdown(text: string): string {
  const out: string[] = []
  let code: string[] | undefined
  let block: string[] = []
  const flush = () => {
    if (block.length > 0) out.push(blockHtml(block))
    block = []
  }
  for (const line of text.replace(/\r\n?/g, '\n').split('\n')) {
    if (line.startsWith('```')) {
      flush()
      if (code) out.push(codeHtml(code))
      code = code ? undefined : []
    } else if (code) code.push(line)
    else if (line.trim() === '') flush()
    else block.push(line.trim())
  }
  flush()
  if (code) out.push(codeHtml(code))
  return out.join('\n')
}

function codeHtml(lines: readonly string[]): string {
  return `<pre><code>${escapeHtml(lines.join('\n'))}</code></pre>`
}

function blockHtml(lines: readonly string[]): string {
  for (const [tag, marker] of [
    ['ul', /^[-*] +/],
    ['ol', /^\d+\. +/],
  ] as const) {
    const start = lines.findIndex((line) => marker.test(line))
    if (start < 0) continue
    const before = start > 0 ? `${blockHtml(lines.slice(0, start))}\n` : ''
    const items: string[] = []
    for (const line of lines.slice(start)) {
      // A line without a marker goes on with the item above it.
      if (marker.test(line)) items.push(line.replace(marker, ''))
      else items[items.length - 1] += ` ${line}`
    }
    return `${before}<${tag}>${items.map((item) => `<li>${inlineMarkdown(item)}</li>`).join('')}</${tag}>`
  }
  return `<p>${inlineMarkdown(lines.join(' '))}</p>`
}

/** HTML of one line: emphasis, code and links. */
export function inlineMarkdown(text: string): string {
  // Code first: nothing inside it is Markdown.
  return text
    .split(/(`[^`]+`)/)
    .map((part, i) => (i % 2 === 1 ? `<code>${escapeHtml(part.slice(1, -1))}</code>` : emphasis(part)))
    .join('')
}

function emphasis(text: string): string {
  return escapeHtml(text)
    .replace(/\[([^\]]+)\]\(((?:https?:\/\/|mailto:|#|\.{0,2}\/|[\w-]+\.)[^\s)]*)\)/g, '<a href="$2">$1</a>')
    .replace(/\*\*(\S(?:.*?\S)?)\*\*/g, '<strong>$1</strong>')
    .replace(/(?<![\w*])\*([^\s*](?:[^*]*[^\s*])?)\*(?![\w*])/g, '<em>$1</em>')
}
