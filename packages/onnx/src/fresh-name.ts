// Names for new values, which no value of a graph has yet.

/** The names of a graph, and how many were made. */
export interface Names {
  taken: Set<string>
  serial: number
}

/** `<stem>_<n>` with the next n that gives a free name, which is then taken. */
export function freshName(names: Names, stem: string): string {
  for (;;) {
    names.serial++
    const name = `${stem}_${names.serial}`
    if (names.taken.has(name)) continue
    names.taken.add(name)
    return name
  }
}
