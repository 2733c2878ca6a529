import type { Consent, Extension } from 'fhir/r4.js'
import type { GatewayErrorCode } from '../error.ts'

/** What became of a change of consent in one placement. */
export type PlacementResult =
  | { readonly custodian: string; readonly entry: string }
  | { readonly custodian: string; readonly error: GatewayErrorCode }

/** The extension that names, placement by placement, the entry of a change or why there is none. */
export const placementExtension = 'urn:medledger:placement'

export const toPlacementExtension = (result: PlacementResult): Extension => ({
  url: placementExtension,
  extension: [
    { url: 'custodian', valueString: result.custodian },
    'entry' in result
      ? { url: 'entry', valueString: result.entry }
      : { url: 'error', valueCode: result.error },
  ],
})

/** The custodians that a Consent is lodged with, by its `organization`; undefined when it names none: all of them. */
export function custodiansOf({ organization }: Pick<Consent, 'organization'>): string[] | undefined {
  if (organization === undefined || organization.length === 0) return undefined
  return organization.map(({ reference = '' }) => reference.replace(/^Organization\//, ''))
}
