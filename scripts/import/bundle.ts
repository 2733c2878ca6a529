import { createHash } from 'node:crypto'
import { BadInput } from './bad-input.ts'
import { isObject, objectAt, objectsAt, textAt, type Json, type Located, type Resource } from './resource.ts'

/** A bundle of one patient, its resources in the bundle's order, and a way to follow their references. */
export interface PatientBundle {
  readonly patient: Located
  readonly resources: readonly Located[]
  /** The bundle's resource that a reference leads to. */
  readonly resolve: (reference: string) => Located | undefined
  readonly timestamp: string | undefined
  /** Security labels of the bundle as a whole. */
  readonly labels: readonly Json[]
}

const accepted = ['transaction', 'collection']

/** A name-based UUID (RFC 9562, version 8): the same for the same text. */
export function uuidFrom(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  const variant = ((Number.parseInt(hex.charAt(16), 16) % 4) + 8).toString(16)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}

/** Errors: {@link BadInput} for anything that is not a FHIR R4 transaction or collection of exactly one patient. */
export function readBundle(value: unknown): PatientBundle {
  if (!isObject(value) || value['resourceType'] !== 'Bundle')
    throw new BadInput('The file is not a FHIR Bundle.')
  const type = value['type']
  if (typeof type !== 'string' || !accepted.includes(type))
    throw new BadInput(`The Bundle's type must be ${accepted.join(' or ')}.`)
  const list: unknown[] = Array.isArray(value['entry']) ? value['entry'] : []
  const resources = list.map(locate)
  const patients = resources.filter(({ resource }) => resource.resourceType === 'Patient')
  const [patient] = patients
  if (patient === undefined) throw new BadInput('The Bundle holds no Patient.')
  if (patients.length > 1)
    throw new BadInput(`The Bundle holds ${patients.length} Patients: import one patient at a time.`)
  return {
    patient,
    resources,
    resolve: resolver(resources),
    timestamp: textAt(value, 'timestamp'),
    labels: objectsAt(objectAt(value, 'meta'), 'security'),
  }
}

function locate(entry: unknown, index: number): Located {
  const resource = objectAt(entry, 'resource')
  const type = textAt(resource, 'resourceType')
  if (resource === undefined || type === undefined)
    throw new BadInput(`Entry ${index + 1} of the Bundle holds no resource.`)
  const found = resource as Resource
  const key = `${type}/${textAt(resource, 'id') ?? `entry-${index}`}`
  return { fullUrl: textAt(entry, 'fullUrl') ?? `urn:uuid:${uuidFrom(key)}`, resource: found }
}

/**
 * Follows a reference by `fullUrl`, by type and id, or by a search for an identifier (FHIR R4, Bundle, "Resolving
 * references in Bundles", and conditional references in http.html#trules).
 */
function resolver(resources: readonly Located[]): PatientBundle['resolve'] {
  const known = new Map<string, Located>()
  for (const located of resources) {
    const { fullUrl } = located
    if (known.has(fullUrl)) throw new BadInput('Two entries of the Bundle have the same fullUrl.')
    known.set(fullUrl, located)
  }
  const addOnce = (key: string, located: Located): void => {
    if (!known.has(key)) known.set(key, located)
  }
  for (const located of resources) {
    const { resource } = located
    if (typeof resource.id === 'string') addOnce(`${resource.resourceType}/${resource.id}`, located)
    for (const identifier of objectsAt(resource, 'identifier'))
      addOnce(conditional(resource, identifier), located)
  }
  return (reference) => known.get(reference)
}

const conditional = ({ resourceType }: Resource, identifier: Json): string =>
  `${resourceType}?identifier=${textAt(identifier, 'system') ?? ''}|${textAt(identifier, 'value') ?? ''}`
