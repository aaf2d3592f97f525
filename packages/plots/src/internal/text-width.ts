// Width of text without a canvas, so that every machine lays a chart out alike.

// Advance widths of DejaVu Sans in 1/1000 em, characters 32 to 126. It is the widest font of our list, so text set in
// another one of them never needs more room.
const regular = [
  318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636, 636,
  636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863,
  748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635,
  615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636,
  337, 636, 838,
]

/** Pixels `text` needs at `fontSize`; bold is about a tenth wider. */
export function textWidth(text: string, fontSize: number, bold = false): number {
  let width = 0
  for (const character of text) width += regular[character.codePointAt(0)! - 32] ?? 838
  return (width * fontSize * (bold ? 1.11 : 1)) / 1000
}

/** Breaks text at spaces into lines of at most `pixels`; a longer word stays whole. */
export function wrapText(text: string, pixels: number, fontSize: number, bold = false): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && textWidth(`${last} ${word}`, fontSize, bold) <= pixels)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
