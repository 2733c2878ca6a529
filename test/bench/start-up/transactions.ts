import { randomBytes } from 'node:crypto'
import { accessCollection, consentCollection } from 'medledger-chaincode/api'
import type { Ledger } from '../../../scripts/network/embedded/ledger/ledger.ts'
import { createSimulation } from '../../../scripts/network/embedded/ledger/simulate.ts'
import { readTransaction } from '../../../scripts/network/embedded/ledger/transaction.ts'
import type { CheckedTransaction } from '../../../scripts/network/embedded/ledger/verify-signatures.ts'
import type { Definition } from '../../../scripts/network/fabric/definition.ts'
import { createSigner, type Signer } from '../../../scripts/network/fabric/signer.ts'
import type { Credentials } from '../../../scripts/network/issue.ts'
import { credentialsOf } from '../../../scripts/network/profile.ts'
import { forge } from '../../scripts/network/embedded/attacks/forge.ts'

/** A transaction without its signatures having been checked, or made: who checks them says that they hold. */
export interface MadeTransaction {
  readonly checked: CheckedTransaction
  /** Which endorser's private data comes with it. */
  readonly transactionId: string
  readonly privateSets: ReadonlyMap<string, Buffer>
}

const custodians = ['north', 'south'] as const
const patients = 1000

/** About what an access and a consent set take. */
const [accessBytes, consentBytes] = [1000, 2000]

/** One in so many transactions is a change of consent, and one a public write. */
const [everyConsent, everyPublic] = [21, 101]

/** As long as a signature is in DER, mostly. */
const signatureBytes = 71

const unsigned = (signer: Signer): Signer => ({ ...signer, sign: () => randomBytes(signatureBytes) })

/**
 * Makes transactions on the state of a ledger, as the chaincode's would be: most read a patient's consent set and write an
 * entry under a key of its own, some write the consent set anew, a few write public values.
 */
export function createTransactions(
  credentials: Credentials,
  definition: Definition,
  ledger: Pick<Ledger, 'state' | 'history'>,
): () => MadeTransaction {
  const creators = custodians.map((name) => {
    const { mspId, gateway } = credentialsOf(credentials, name)
    return unsigned(createSigner(mspId, gateway))
  })
  const endorsers = ['north', 'south', 'authority'].map((name) => {
    const { mspId, peer } = credentialsOf(credentials, name)
    return unsigned(createSigner(mspId, peer))
  })
  let count = 0

  const simulate = (): ReturnType<ReturnType<typeof createSimulation>['results']> => {
    const simulation = createSimulation(ledger.state, definition, 'made', ledger.history)
    const custodian = custodians[count % custodians.length] ?? 'north'
    const patient = `consent-${Math.floor(Math.random() * patients)}`
    if (count % everyPublic === 0)
      simulation.put('', `public-${Math.floor(Math.random() * patients)}`, randomBytes(32))
    const consents = consentCollection(custodian)
    simulation.get(consents, patient)
    if (count % everyConsent === 0) simulation.put(consents, patient, randomBytes(consentBytes))
    else {
      const key = `access-${patient}-${randomBytes(16).toString('hex')}`
      simulation.put(accessCollection(custodian), key, randomBytes(accessBytes))
    }
    return simulation.results()
  }
  return () => {
    count += 1
    const { publicSet, privateSets } = simulate()
    const [creator, own, other] = [creators[count % 2], endorsers[count % 2], endorsers[2]]
    if (creator === undefined || own === undefined || other === undefined)
      throw new Error('the topology lacks an organisation')
    const { envelope, transactionId } = forge({ creator, endorsers: [own, other], results: publicSet })
    const principals = [own, other].map(({ mspId }) => ({ mspId, role: 'peer' as const }))
    const checked = { ...readTransaction(envelope), isCreatorValid: true, endorsers: principals }
    return { checked, transactionId, privateSets }
  }
}
