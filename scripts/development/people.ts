import { check, Id, OrganisationName, Role, type Constitution } from 'medledger-chaincode/api'
import { Type, type Static } from 'typebox'
import { parseFile, readIfPresent, replaceFile, toText } from './files.ts'

/** One of the invented people for whom the development providers give tokens. */
const Person = Type.Object(
  {
    /** The name on the command line. */
    user: Type.String({ pattern: '^[a-z0-9][a-z0-9.-]{0,79}$' }),
    handle: Id,
    role: Role,
    organisation: OrganisationName,
    /** What entries call a member of staff; patients have none on the ledger. */
    name: Type.String({ minLength: 1, maxLength: 200 }),
    /** Of an imported patient: SHA-256 of the identifier that her bundles carry. */
    source: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
    /** Of an imported patient: whether the ledger has her. */
    registered: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type DevelopmentPerson = Static<typeof Person>

const People = Type.Object({ people: Type.Array(Person) }, { additionalProperties: false })

type Invented = Omit<DevelopmentPerson, 'handle'>

const staffOf = (organisation: string, title: string): Invented[] => [
  { user: `records.${organisation}`, role: 'custodian', organisation, name: `Records office, ${title}` },
  { user: `operator.${organisation}`, role: 'operator', organisation, name: `Operator, ${title}` },
]

const doctors: Readonly<Record<string, Invented>> = {
  north: { user: 'dr.okafor', role: 'doctor', organisation: 'north', name: 'Dr Adaeze Okafor' },
  south: { user: 'dr.chen', role: 'doctor', organisation: 'south', name: 'Dr Wei Chen' },
}

/** The people of the demonstration, all invented, each with a handle of its own. */
export function inventPeople(constitution: Constitution, newHandle: () => string): DevelopmentPerson[] {
  const invented = constitution.organisations.flatMap(({ name, title }): Invented[] => {
    if (isCustodian(constitution, name)) {
      const doctor = doctors[name]
      return [...(doctor ? [doctor] : []), ...staffOf(name, title)]
    }
    return [
      { user: 'maria', role: 'patient', organisation: name, name: 'Maria Lindqvist' },
      { user: 'tomas', role: 'patient', organisation: name, name: 'Tomas Vavra' },
      { user: 'auditor.lee', role: 'auditor', organisation: name, name: 'Lee Sandoval, auditor' },
      { user: `operator.${name}`, role: 'operator', organisation: name, name: `Operator, ${title}` },
    ]
  })
  return invented.map((person) => ({ ...person, handle: newHandle() }))
}

const isCustodian = ({ placements }: Constitution, name: string): boolean =>
  placements.some(({ custodian }) => custodian === name)

/** Errors: one line that names the file when it is damaged; undefined when there is none. */
export async function readPeople(file: string): Promise<readonly DevelopmentPerson[] | undefined> {
  const text = await readIfPresent(file)
  if (text === undefined) return undefined
  const value = parseFile(file, text)
  try {
    return check(People, value, 'list of people').people
  } catch {
    throw new Error(`${file} is damaged: it does not hold a list of people.`)
  }
}

export const writePeople = (file: string, people: readonly DevelopmentPerson[]): Promise<void> =>
  replaceFile(file, toText({ people }))

/**
 * The subject of a person's tokens, which every organisation's registry holds: of somebody imported not her user name,
 * because that is made of her real one.
 */
export const subjectOf = ({ user, handle, source }: DevelopmentPerson): string =>
  source === undefined ? user : `patient-${handle}`

/** The person of this user name or handle. */
export const findPerson = (
  people: readonly DevelopmentPerson[],
  userOrHandle: string,
): DevelopmentPerson | undefined =>
  people.find(({ user, handle }) => user === userOrHandle || handle === userOrHandle)

/** What a user name may keep of a part of somebody's name: ASCII letters, so that it can be typed anywhere. */
function toAscii(part: string): string {
  return part
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '')
}

/**
 * A user name nobody has yet: `pat.morar`, or `pat.morar.2` when that is taken. A name without a single Latin letter
 * becomes `patient`.
 */
export function newUserName(given: string, family: string, taken: ReadonlySet<string>): string {
  const parts = [toAscii(given), toAscii(family)]
    .map((part) => part.slice(0, 30))
    .filter((part) => part !== '')
  const base = parts.length === 0 ? 'patient' : parts.join('.')
  let name = base
  for (let next = 2; taken.has(name); next += 1) name = `${base}.${next}`
  return name
}
