import { notUnderstood, type Class, type Labels } from '../directive.ts'
import type { ResidualRule } from '../residual.ts'
import { resourceTypeSystems } from '../tables/consent.ts'
import { actCode, confidentialities, confidentialitySystem } from '../tables/labels.ts'
import type { Coding } from './coding.ts'

/**
 * A residual rule in the terms of a FHIR provision. A value that was not understood stands in a deny for any, so that the
 * condition is left out; in a permit for none, so that the value is.
 */
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
  const values = <Value>(of: readonly (Value | typeof notUnderstood)[] | undefined): Value[] | undefined => {
    const known = of?.filter((value): value is Value => value !== notUnderstood)
    return rule.type === 'deny' && known?.length !== of?.length ? undefined : known
  }
  return present({
    ...rest,
    class: values(classes)?.map(codingOf),
    documentType: values(documents)?.map(codingOf),
    code: values(codes)?.map((code) => ({ coding: [code] })),
    data: values(data?.map((item) => (item.meaning === notUnderstood ? notUnderstood : item)))?.map(
      ({ meaning, reference }) => ({ meaning, reference: { reference } }),
    ),
    dataPeriod: dated && periodOf(dated),
    securityLabel: labels && values(labelsOf(labels)),
    except: except?.map(toFhirResidual),
  })
}

const present = (residual: { [Name in keyof FhirResidual]: FhirResidual[Name] | undefined }): FhirResidual =>
  Object.fromEntries(
    Object.entries(residual).filter(([, value]) => value !== undefined),
  ) as unknown as FhirResidual

const codingOf = (item: Exclude<Class, typeof notUnderstood>): Coding =>
  'resource' in item ? { system: resourceTypeSystems[0], code: item.resource } : item

function periodOf({ start, end }: NonNullable<ResidualRule['dated']>): { start?: string; end?: string } {
  return {
    ...(start !== undefined && { start: new Date(start).toISOString() }),
    ...(end !== undefined && { end: new Date(end).toISOString() }),
  }
}

function labelsOf({ confidentiality, sensitivities = [] }: Labels): (Coding | typeof notUnderstood)[] {
  const level = confidentiality === undefined ? undefined : confidentialities[confidentiality]
  return [
    ...(level === undefined ? [] : [{ system: confidentialitySystem, code: level }]),
    ...sensitivities.map((label) => (label === notUnderstood ? label : sensitivityOf(label))),
  ]
}

function sensitivityOf(label: string): Coding {
  const bar = label.lastIndexOf('|')
  return bar < 0
    ? { system: actCode, code: label }
    : { system: label.slice(0, bar), code: label.slice(bar + 1) }
}
