import type { ReplayAnswer } from 'medledger-chaincode/api'
import { createClient } from 'medledger-gateway/ledger'
import type { Operator } from './operator.ts'

/** The accesses of a placement decided again, page by page, by the peer of the operator's own organisation alone. */
export async function* replayPages(
  { constitution, transport }: Operator,
  { organisation, custodian }: { readonly organisation: string; readonly custodian: string },
): AsyncGenerator<ReplayAnswer> {
  const client = createClient(transport, constitution, organisation)
  let after: string | undefined
  do {
    const fields = { custodian, ...(after !== undefined && { after }) }
    const page = await client.evaluate('ReplayEntries', fields, { organisations: [organisation] })
    yield page
    after = page.next
  } while (after !== undefined)
}
