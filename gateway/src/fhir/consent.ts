import type { Consent, Extension } from 'fhir/r4.js'
import type { GatewayErrorCode } from '../error.ts'

/** What became of a change of consent in one placement. */
export type PlacementResult =
  | { readonly custodian: string; readonly entry: string; readonly isInForce: boolean }
  | { readonly custodian: string; readonly error: GatewayErrorCode; readonly statusPath?: string | undefined }

/** The extension that names, placement by placement, the entry of a change or why there is none. */
export const placementExtension = 'urn:medledger:placement'

export const toPlacementExtension = (result: PlacementResult): Extension => ({
  url: placementExtension,
  extension: [
    { url: 'custodian', valueString: result.custodian },
    ...('entry' in result ? [{ url: 'entry', valueString: result.entry }] : errorOf(result)),
  ],
})

/** Why a placement has not taken a change, and, when that is not known yet, where to ask. */
const errorOf = ({ error, statusPath }: Exclude<PlacementResult, { entry: string }>): Extension[] => [
  { url: 'error', valueCode: error },
  ...(statusPath === undefined ? [] : [{ url: 'status', valueUrl: statusPath }]),
]

/** The custodians that a Consent is lodged with, by its `organization`; undefined when it names none: all of them. */
export function custodiansOf({ organization }: Pick<Consent, 'organization'>): string[] | undefined {
  if (organization === undefined || organization.length === 0) return undefined
  return organization.map(({ reference = '' }) => reference.replace(/^Organization\//, ''))
}
