import { setTimeout as wait } from 'node:timers/promises'
import { canonical, MedledgerError, type IssuerKey, type SigningKey } from 'medledger-chaincode/api'
import { createClient } from 'medledger-gateway/ledger'
import type { KeyLedger } from '../identity-provider/index.ts'
import type { Operator } from './operator.ts'
import { takeStep, type StepOptions } from './take-step.ts'

const patienceMs = 20_000

/** An issuer's keys on the ledger, as the organisation's operator reads and changes them. */
export function issuerKeys(
  { constitution, transport }: Operator,
  { issuer, organisation }: { readonly issuer: string; readonly organisation: string },
): KeyLedger {
  const client = createClient(transport, constitution, organisation)
  const options = (): StepOptions => ({
    constitution,
    transport,
    deadline: Date.now() + patienceMs,
    now: Date.now,
    wait,
  })
  const read = async (kid: string): Promise<IssuerKey | undefined> => {
    try {
      return await client.evaluate('ReadIssuerKey', { issuer, kid })
    } catch (error) {
      if (error instanceof MedledgerError && error.code === 'NOT_FOUND') return undefined
      throw error
    }
  }
  return {
    read,
    async add(kid: string, key: SigningKey) {
      const fields = { issuer, kid, key }
      await takeStep({ key: '', by: organisation, name: 'AddIssuerKey', fields }, options())
      // A repeated addition and somebody else's key under this id are answered alike.
      const added = await read(kid)
      if (added === undefined || added.revoked || canonical(added.key) !== canonical(key))
        throw new Error(`The ledger has another key under ${kid}, or a revoked one: choose another key id.`)
    },
    async revoke(kid: string) {
      const fields = { issuer, kid }
      await takeStep({ key: '', by: organisation, name: 'RevokeIssuerKey', fields }, options())
    },
  }
}
