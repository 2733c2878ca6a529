import { readFileSync, statSync } from 'node:fs'
import type { Setting } from './setting.ts'
import { settings, type SettingName, type Settings } from './settings.ts'

/** Where a setting's text came from. */
export type Source = 'environment' | 'file' | 'default'

/** What an environment says: what could be read, where it came from, and all that is wrong. */
export interface Reading {
  readonly values: Partial<Settings>
  readonly sources: Readonly<Partial<Record<SettingName, Source>>>
  /** One line each, beginning with the variable and never with any of its value. */
  readonly faults: readonly string[]
}

interface Given {
  readonly text: string
  readonly source: Source
  /** The variable that gave it, for a fault. */
  readonly variable: string
}

/** An error whose words are for the operator. */
class Unfit extends Error {
  override readonly name = 'Unfit'
}

/** Reads every setting of the table, and reports all faults instead of the first. */
export function readSettings(environment: NodeJS.ProcessEnv): Reading {
  const faults: string[] = []
  const values: Record<string, unknown> = {}
  const sources: Partial<Record<SettingName, Source>> = {}
  for (const name of Object.keys(settings) as SettingName[]) {
    const definition: Setting<unknown> = settings[name]
    let variable: string = definition.variable
    try {
      const given = find(definition, environment)
      variable = given.variable
      sources[name] = given.source
      values[name] = definition.read(given.text)
    } catch (error) {
      faults.push(`${variable}${reasonOf(error)}`)
    }
  }
  return { values, sources, faults }
}

function find(definition: Setting<unknown>, environment: NodeJS.ProcessEnv): Given {
  const { variable, form } = definition
  const file = `${variable}_FILE`
  const [text = '', path = ''] = [environment[variable], form === 'value' ? '' : environment[file]]
  if (text !== '' && path !== '') throw new Unfit(` and ${file} are both set: give one of them`)
  if (text !== '') return { text, source: 'environment', variable }
  if (path !== '') return { text: contentOf(path, definition), source: 'file', variable: file }
  if (definition.default === undefined)
    throw new Unfit(form === 'value' ? ' is not set' : ` is not set, nor is ${file}`)
  return { text: definition.default, source: 'default', variable }
}

/** Others' rights in a file's mode, and the group's right to write: a group that may read is how platforms mount secrets. */
const foreignRights = 0o027

function contentOf(path: string, { variable, form }: Setting<unknown>): string {
  try {
    if (form === 'secret' && (statSync(path).mode & foreignRights) !== 0) {
      throw new Unfit('_FILE: others may read or change this file: take their rights away (chmod 600)')
    }
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Unfit) throw error
    const { code } = error as NodeJS.ErrnoException
    throw new Unfit(`_FILE: names a file that cannot be read (${code ?? variable})`, { cause: error })
  }
}

/** A JSON error may quote the content, where somebody may have put the secret itself. */
function reasonOf(error: unknown): string {
  if (error instanceof Unfit) return error.message
  if (error instanceof SyntaxError) return ': is not JSON'
  return `: ${error instanceof Error ? error.message : 'cannot be read'}`
}
