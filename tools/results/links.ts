// Links of Markdown pages: which of them lead to a file, and to a heading in it, that is not there.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/**
 * Relative links of a page that lead nowhere, as `target` texts. Links with a scheme are not followed.
 *
 * @param path - of the page
 */
export function brokenLinks(path: string): string[] {
  const broken: string[] = []
  for (const target of linksOf(readFileSync(path, 'utf8'))) {
    // A template of a report names its figures; they are there once it is written.
    if (/^[a-z]+:/i.test(target) || /^\{\{[\w.]+\}\}$/.test(target)) continue
    const [file, heading] = target.split('#') as [string, string?]
    const found = file === '' ? path : normalize(join(dirname(path), decodeURI(file)))
    if (!existsSync(found)) broken.push(target)
    else if (heading && found.endsWith('.md') && !headingsOf(readFileSync(found, 'utf8')).has(heading))
      broken.push(target)
  }
  return broken
}

/** Targets of `[text](target)` and `![text](target)`, code left out. */
export function linksOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)].map((match) => match[1]!)
}

/** Anchors of the headings, as GitHub makes them: lower case, punctuation gone, spaces to hyphens, repeats numbered. */
export function headingsOf(text: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, title] of text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6}\s+(.*?)\s*$/gm)) {
    const plain = title!.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = plain.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-')
    let free = anchor
    for (let k = 1; anchors.has(free); k++) free = `${anchor}-${k}`
    anchors.add(free)
  }
  return anchors
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '')
}
