import { MedledgerError, type Constitution, type Organisation } from 'medledger-chaincode/api'
import { certificatesAreValid, type Config } from './config/index.ts'
import type { LedgerClient, LedgerTransport } from './ledger/index.ts'
import type { Probes } from './routes/health.ts'
import { answers, keysAnswer, type Database, type KeyDatabase } from './store/index.ts'

/** What this gateway cannot do anything without. */
export const probesOf = (
  config: Config,
  { database, keyDatabase }: { readonly database: Database; readonly keyDatabase: KeyDatabase },
): Probes => ({
  database: () => answers(database),
  keyDatabase: () => keysAnswer(keyDatabase),
  certificates: async () => certificatesAreValid(config, Date.now()),
})

/** How old an answer about the network may be: whoever asks for `/readyz`, it is asked no more often than this. */
export const sharedProbeMs = 3000

/**
 * Whether some orderer can be reached, whether the own chaincode answers at the own peer, and whether identity providers do,
 * where there are any to ask. All three are others', so the answer is shared by all who want it within {@link sharedProbeMs}.
 */
export function sharedProbesOf(
  {
    constitution,
    organisation,
  }: { readonly constitution: Constitution; readonly organisation: Organisation },
  {
    client,
    transport,
    providersAnswer,
    now,
  }: {
    readonly client: Pick<LedgerClient, 'evaluate'>
    readonly transport: Pick<LedgerTransport, 'reachesOrderer'>
    /** Whether the identity providers that keys are held against answer; undefined where there are none. */
    readonly providersAnswer?: (() => Promise<boolean>) | undefined
    /** Milliseconds of a clock that only goes forward. */
    readonly now: () => number
  },
): Probes {
  const issuer = constitution.issuers[0]?.issuer ?? ''
  const chaincode = async (): Promise<boolean> => {
    try {
      await client.evaluate(
        'ReadIssuerKey',
        { issuer, kid: 'readyz' },
        { organisations: [organisation.name] },
      )
      return true
    } catch (error) {
      // It is looked for to be answered, and nobody has a key of this name.
      return error instanceof MedledgerError && error.code === 'NOT_FOUND'
    }
  }
  return {
    ordering: shareAnswer(() => transport.reachesOrderer(), now),
    chaincode: shareAnswer(chaincode, now),
    ...(providersAnswer && { identityProviders: shareAnswer(providersAnswer, now) }),
  }
}

/** Asks once for all who ask while the answer is on its way or younger than {@link sharedProbeMs}. */
function shareAnswer(probe: () => Promise<boolean>, now: () => number): () => Promise<boolean> {
  let current: Promise<boolean> | undefined
  let until = Number.NEGATIVE_INFINITY
  const ask = async (): Promise<boolean> => {
    try {
      return await probe()
    } catch {
      return false
    } finally {
      until = now() + sharedProbeMs
    }
  }
  return () => {
    if (current === undefined || now() >= until) {
      // However long it takes, nobody asks a second time meanwhile.
      until = Number.POSITIVE_INFINITY
      current = ask()
    }
    return current
  }
}
