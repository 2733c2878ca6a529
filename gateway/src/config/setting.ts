/**
 * One thing that can be configured. `value` stands in the environment under the variable's name; `content` may stand
 * there too, or in a file that `<variable>_FILE` names, never both; a `secret` is content that is never shown, and whose
 * file others must not be able to read.
 */
export interface Setting<Value> {
  readonly variable: `MEDLEDGER_${string}`
  readonly form: 'value' | 'content' | 'secret'
  /** One line for the operator; the README lists it. */
  readonly purpose: string
  /** The text that stands for an absent one; without it the setting is required. */
  readonly default?: string
  /** Errors: one line without any of the text. */
  read(text: string): Value
  /** What `config check` shows of it; never called for a secret. */
  show?(value: Value): string | number | boolean
}

/** Gives a table of settings its exact type. */
export const setting = <Value>(definition: Setting<Value>): Setting<Value> => definition

export const asIs = (text: string): string => text

/** Errors: one line. */
export function port(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 65_535) throw new Error('is not a port number')
  return value
}

/** A reader of whole numbers between two bounds. */
export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d{1,9}$/.test(text) || value < least || value > most)
      throw new Error(`is not a whole number from ${least} to ${most}`)
    return value
  }
