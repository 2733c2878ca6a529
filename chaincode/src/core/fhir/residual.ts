import { notUnderstood, type Class, type Code, type Labels } from '../directive.ts'
import type { ResidualRule } from '../residual.ts'
import { resourceTypeSystems } from '../tables/consent.ts'
import { actCode, confidentialities, confidentialitySystem } from '../tables/labels.ts'
import type { Coding } from './coding.ts'

/** A residual rule in the terms of a FHIR provision; a value that was not understood is left out of it, and stands for any. */
export interface FhirResidual {
  readonly type: 'permit' | 'deny'
  readonly consent?: string
  readonly purpose?: string
  readonly class?: readonly Coding[]
  readonly documentType?: readonly Coding[]
  readonly code?: readonly { readonly coding: readonly Coding[] }[]
  readonly data?: readonly { readonly meaning: string; readonly reference: { readonly reference: string } }[]
  readonly dataPeriod?: { readonly start?: string; readonly end?: string }
  readonly securityLabel?: readonly Coding[]
  readonly except?: readonly FhirResidual[]
}

export function toFhirResidual(rule: ResidualRule): FhirResidual {
  const { classes, documents, codes, data, dated, labels, except, ...rest } = rule
  return {
    ...rest,
    ...(classes && { class: classes.flatMap(codingOf) }),
    ...(documents && { documentType: documents.flatMap(codingOf) }),
    ...(codes && { code: codes.flatMap(codingOf).map((coding) => ({ coding: [coding] })) }),
    ...(data && {
      data: data.map(({ meaning, reference }) => ({ meaning, reference: { reference } })),
    }),
    ...(dated && { dataPeriod: periodOf(dated) }),
    ...(labels && { securityLabel: labelsOf(labels) }),
    ...(except && { except: except.map(toFhirResidual) }),
  }
}

function codingOf(item: Class | Code): Coding[] {
  if (item === notUnderstood) return []
  return 'resource' in item ? [{ system: resourceTypeSystems[0], code: item.resource }] : [item]
}

function periodOf({ start, end }: NonNullable<ResidualRule['dated']>): { start?: string; end?: string } {
  return {
    ...(start !== undefined && { start: new Date(start).toISOString() }),
    ...(end !== undefined && { end: new Date(end).toISOString() }),
  }
}

function labelsOf({ confidentiality, sensitivities = [] }: Labels): Coding[] {
  const level = confidentiality === undefined ? undefined : confidentialities[confidentiality]
  return [
    ...(level === undefined ? [] : [{ system: confidentialitySystem, code: level }]),
    ...sensitivities.filter((label) => label !== notUnderstood).map(sensitivityOf),
  ]
}

function sensitivityOf(label: string): Coding {
  const bar = label.lastIndexOf('|')
  return bar < 0
    ? { system: actCode, code: label }
    : { system: label.slice(0, bar), code: label.slice(bar + 1) }
}
