import type { Effect } from '../directive.ts'
import { consentScope, participationType, resourceTypeSystems } from '../tables/consent.ts'
import { actCode } from '../tables/labels.ts'
import { documentTypeExtension, isR5 } from './consent.ts'
import { isObject, listOf, type Json } from './json.ts'
import { noReference } from './provision.ts'

/**
 * An R5 Consent that the ledger takes (see `toDirective`) as one of R4 that decides alike; one of R4 as it is. R4 says each
 * level's effect where R5 has them alternate from `decision`, and has one root. What no decision depends on and R4 has no
 * element for goes into FHIR's extensions for elements of R5.
 */
export function renderR4(resource: Json): Json {
  if (!isR5(resource)) return resource
  const { subject, date, grantee, manager, controller = manager, decision, category, provision } = resource
  const extension = extensionsOf(resource)
  return present({
    ...Object.fromEntries(alike.map((name) => [name, resource[name]])),
    extension: extension.length > 0 ? extension : undefined,
    scope: { coding: [{ system: consentScope, code: 'patient-privacy' }] },
    category,
    patient: subject,
    dateTime: date,
    performer: grantee,
    organization: controller,
    ...sourceOf(resource),
    ...policyOf(resource),
    verification: verificationOf(resource),
    provision:
      decision === undefined
        ? undefined
        : present({
            type: decision,
            period: resource['period'],
            provision: rulesOf(provision, decision === 'permit' ? 'permit' : 'deny'),
          }),
  })
}

const alike = ['resourceType', 'id', 'meta', 'language', 'text', 'contained', 'identifier', 'status'] as const

const present = (value: Json): Json =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined))

function extensionsOf(resource: Json): unknown[] {
  const { extension, grantor, policyText, policyBasis, regulatoryBasis } = resource
  const { attachments, references } = sourcesOf(resource)
  return [
    ...listOf(extension),
    ...extending('grantor', 'Reference', listOf(grantor)),
    ...extending('policyBasis.reference', 'Reference', listOf(memberOf(policyBasis, 'reference'))),
    ...extending('policyText', 'Reference', listOf(policyText)),
    ...extending('regulatoryBasis', 'CodeableConcept', listOf(regulatoryBasis).slice(1)),
    ...extending('sourceAttachment', 'Attachment', attachments.slice(1)),
    ...extending('sourceReference', 'Reference', references.slice(attachments.length > 0 ? 0 : 1)),
  ]
}

const memberOf = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined)

/** FHIR R5, Extensions for converting between versions. */
const extending = (element: string, type: string, values: readonly unknown[]): Json[] =>
  values.map((value) => ({
    url: `http://hl7.org/fhir/5.0/StructureDefinition/extension-Consent.${element}`,
    [`value${type}`]: value,
  }))

interface Sources {
  readonly attachments: readonly unknown[]
  readonly references: readonly unknown[]
}

const sourcesOf = ({ sourceAttachment, sourceReference }: Json): Sources => ({
  attachments: listOf(sourceAttachment),
  references: listOf(sourceReference),
})

/** R4 has one source. */
function sourceOf(resource: Json): Json {
  const { attachments, references } = sourcesOf(resource)
  return attachments.length > 0 ? { sourceAttachment: attachments[0] } : { sourceReference: references[0] }
}

/** R4 wants a policy; where none is named, it is that the patient has opted in or out. */
function policyOf({ policyBasis, regulatoryBasis, decision }: Json): Json {
  const uri = memberOf(policyBasis, 'url')
  const [basis] = listOf(regulatoryBasis)
  const opted = { coding: [{ system: actCode, code: decision === 'permit' ? 'OPTIN' : 'OPTOUT' }] }
  const isEnough = uri !== undefined || decision === undefined
  return {
    policy: uri === undefined ? undefined : [{ uri }],
    policyRule: basis ?? (isEnough ? undefined : opted),
  }
}

/** One for each date in R4, where R5 has several dates in one. */
function verificationOf({ verification }: Json): unknown {
  if (verification === undefined) return undefined
  return listOf(verification).flatMap((item) => {
    if (!isObject(item)) return []
    const { verified, verifiedWith, verificationDate } = item
    const dates = listOf(verificationDate)
    return (dates.length > 0 ? dates : [undefined]).map((date) =>
      present({ verified, verifiedWith, verificationDate: date }),
    )
  })
}

function rulesOf(provisions: unknown, above: Effect): Json[] | undefined {
  const type = above === 'permit' ? 'deny' : 'permit'
  const rules = listOf(provisions).flatMap((item) => (isObject(item) ? [ruleOf(item, type)] : []))
  return rules.length > 0 ? rules : undefined
}

function ruleOf({ resourceType, documentType, actor, provision, ...rest }: Json, type: Effect): Json {
  return present({
    type,
    ...Object.fromEntries(Object.entries(rest).filter(([name]) => !unsaid.has(name))),
    ...classesOf(resourceType, documentType),
    actor: actor === undefined ? undefined : listOf(actor).map((item) => actorOf(item)),
    provision: rulesOf(provision, type),
  })
}

/** A primitive's own members (`_…`) of what is called otherwise here. */
const unsaid: ReadonlySet<string> = new Set(['_resourceType', '_documentType'])

/** R4 has one list for types of resource and of document, of which any suffices. */
function classesOf(resourceType: unknown, documentType: unknown): Json {
  const [system] = resourceTypeSystems
  const resources = listOf(resourceType).map((coding): unknown =>
    isObject(coding) ? { ...coding, system } : coding,
  )
  const documents = listOf(documentType)
  if (resources.length === 0 && documents.every(isClass))
    return documents.length > 0 ? { class: documents } : {}
  return {
    ...(resources.length > 0 && { class: resources }),
    ...(documents.length > 0 && {
      modifierExtension: documents.map((valueCoding) => ({ url: documentTypeExtension, valueCoding })),
    }),
  }
}

/** Whether a coding in `class` is one of a type of document: R4 takes one without a system for a type of resource. */
function isClass(coding: unknown): boolean {
  const system = memberOf(coding, 'system')
  return typeof system === 'string' && !(resourceTypeSystems as readonly string[]).includes(system)
}

/** In R4 an actor has a role and a reference: who receives information, and nobody in particular. */
function actorOf(actor: unknown): unknown {
  if (!isObject(actor)) return actor
  const recipient = { coding: [{ system: participationType, code: 'IRCP' }] }
  const { role = recipient, reference = noReference } = actor
  return { ...actor, role, reference }
}
