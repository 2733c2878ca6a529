import type { Comparison } from '../rounds.ts'
import { expectStatus, type Bench } from '../work.ts'

/**
 * What a gateway saves by knowing a token. The route refuses the request after the token has been accepted and before
 * the ledger is asked, so that nothing else is measured. Both arms sign a token for each request, and one sends it.
 */
export function compareTokenCache({ instance }: Bench): Comparison[] {
  const { processes } = instance
  const url = `${instance.gateways['south']}/fhir/Bundle/no-document-id`
  return [
    {
      name: 'token seen before : new token',
      operation: 'GET with a malformed document id: 400',
      inFlight: 20,
      arms: [
        {
          name: 'token seen before',
          processes,
          run: () => {
            instance.newToken('dr.chen')
            return expectStatus(400, url, instance.token('dr.chen'))
          },
        },
        { name: 'new token', processes, run: () => expectStatus(400, url, instance.newToken('dr.chen')) },
      ],
    },
  ]
}
