import type { Period, Resource } from './case.ts'
import { spanOf, spanOfPeriod } from './dates.ts'

interface Timed {
  readonly period?: Period
}

interface Roles extends Resource, Timed {
  readonly active?: boolean
  readonly member?: readonly Timed[]
}

/** The directory as it is for who asks at a moment: without members and roles whose time is over or has not come. */
export function inForce(directory: readonly Resource[], at: string): Resource[] {
  const moment = spanOf(at)?.from ?? Number.NaN
  const isNow = ({ period }: Timed): boolean => {
    const span = period === undefined ? undefined : spanOfPeriod(period)
    return span === undefined || (span.from <= moment && moment < span.to)
  }
  return directory.map((listed: Roles) => {
    if (listed.resourceType === 'Group' && listed.member !== undefined) {
      return { ...listed, member: listed.member.filter(isNow) }
    }
    if (listed.resourceType !== 'PractitionerRole' || (listed.active !== false && isNow(listed)))
      return listed
    const { practitioner: _nobody, organization: _nowhere, ...former } = listed
    return former
  })
}
