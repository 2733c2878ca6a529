/** Where a command writes: data for programs or people on `out`, everything else on `err`. */
export interface Output {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly isTerminal: boolean
}

/** One JSON value on standard output. */
export const writeJson = ({ out }: Output, value: unknown): void => out(`${JSON.stringify(value)}\n`)

/**
 * Text from elsewhere as one line for a terminal: control characters, which could rewrite what has been shown, become
 * blanks (Unicode general category Cc, and the directional overrides).
 */
export const plain = (text: string): string =>
  // eslint-disable-next-line no-control-regex -- these are exactly the characters to remove
  text.replaceAll(/[\u0000-\u001F\u007F-\u009F\u200E\u200F\u202A-\u202E\u2066-\u2069]+/g, ' ')

/** Rows in columns as wide as their widest cell; the last column is not padded. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows.map((row) => row.map(plain))]
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  return all
    .map((row) =>
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}
