import type { DevelopmentPerson } from '../development/index.ts'
import type { Addresses } from './addresses.ts'

export interface BoxContent {
  /** What runs here, in a line. */
  readonly title: string
  readonly addresses: readonly Addresses[]
  readonly people: readonly DevelopmentPerson[]
  /** A document that the story is about; undefined without demonstration data. */
  readonly document: string | undefined
  /** What the commands need in order to find this instance, e.g. ` --data elsewhere`; empty for the default. */
  readonly dataOption: string
  /** How to stop it. */
  readonly stop: string
}

const command = 'npm run --silent medledger --'

/** The five commands that play the story: refused, granted, read, revoked, refused again. */
export function storyCommands(document: string, dataOption: string): readonly string[] {
  const read = `${command} read ${document} --as dr.chen${dataOption}`
  return [
    read,
    `${command} grant --as maria --to dr.chen${dataOption}`,
    read,
    `${command} revoke --last --as maria${dataOption}`,
    read,
  ]
}

const told = ['refused', 'maria allows it', 'read', 'maria revokes', 'refused again'] as const

function storyLines({ document, dataOption }: BoxContent): string[] {
  if (document === undefined) return [`No demonstration data. Begin with: ${command} people${dataOption}`]
  const commands = storyCommands(document, dataOption)
  return [
    'The story, five commands to paste (South’s dr.chen and a document that North keeps of maria):',
    ...commands.map((line, index) => `  ${line}   # ${told[index]}`),
    'What maria sees of it:',
    `  ${command} log --patient maria --as maria${dataOption}`,
  ]
}

function peopleLines(people: readonly DevelopmentPerson[]): string[] {
  const organisations = [...new Set(people.map(({ organisation }) => organisation))]
  return organisations.map((organisation) => {
    const members = people.filter((person) => person.organisation === organisation)
    return `  ${organisation.padEnd(10)}${members.map(({ user, role }) => `${user} (${role})`).join(', ')}`
  })
}

const addressLine = ({ organisation, gateway, provider, metrics }: Addresses): string =>
  `  ${organisation.padEnd(10)}${[gateway, provider, metrics ?? ''].join('  ').trimEnd()}`

/** Everything somebody needs to go on, in one box. */
export function renderBox(content: BoxContent): string {
  const lines = [
    content.title,
    'Tokens are bearer tokens from development providers: whoever holds one can use it (assurance: attested).',
    '',
    'Gateways (/docs describes the interface), identity providers, and metrics where they can be reached:',
    ...content.addresses.map(addressLine),
    'People:',
    ...peopleLines(content.people),
    '',
    ...storyLines(content),
    '',
    content.stop,
  ]
  const width = Math.max(...lines.map((line) => line.length))
  const rule = '─'.repeat(width + 2)
  // No right-hand border on the lines: a command copied from a terminal must not end in one.
  return [`┌${rule}`, ...lines.map((line) => `│ ${line}`), `└${rule}`, ''].join('\n')
}
