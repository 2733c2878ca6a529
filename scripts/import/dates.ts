import { objectAt, textAt, type Json } from './resource.ts'

/** Where the resources of R4 say when something was, the most telling first. */
const members = [
  'effectiveDateTime',
  'performedDateTime',
  'occurrenceDateTime',
  'onsetDateTime',
  'authoredOn',
  'recordedDate',
  'started',
  'date',
  'issued',
  'created',
  'dateAsserted',
  'recorded',
]
const periods = ['effectivePeriod', 'performedPeriod', 'occurrencePeriod', 'period']

const fhirDateTime = /^\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?)?)?$/

const isDateTime = (text: string | undefined): text is string => text !== undefined && fhirDateTime.test(text)

/** When something was, as a FHIR dateTime; undefined when the resource does not say. */
export function dateOf(resource: Json): string | undefined {
  const stated = [
    ...members.map((member) => textAt(resource, member)),
    ...periods.map((member) => textAt(objectAt(resource, member), 'start')),
  ]
  return stated.find(isDateTime)
}

/** The earliest or latest of the dates, by the instants that they begin at; the first of equal ones. */
export function extreme(dates: readonly string[], which: 'earliest' | 'latest'): string | undefined {
  const sign = which === 'earliest' ? 1 : -1
  return dates.toSorted((one, other) => sign * (Date.parse(one) - Date.parse(other)))[0]
}
