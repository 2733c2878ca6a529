/** What became of an attack. */
export interface Row {
  readonly layer: string
  readonly attack: string
  readonly tries: number
  /** How many changed what a peer holds. */
  readonly applied: number
  readonly verdict: string
}

/** Prints the attacks of a file, once. */
export function report(rows: readonly Row[]): void {
  const lines = rows.map(
    ({ layer, attack, tries, applied, verdict }) =>
      `| ${layer} | ${attack} | ${tries} | ${applied} | ${verdict} |`,
  )
  const head = ['| layer | attack | tries | applied | verdict |', '|---|---|---|---|---|']
  process.stdout.write(`${[...head, ...lines].join('\n')}\n`)
}
