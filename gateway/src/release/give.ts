import type { FlattenedJWE } from 'jose'
import { limits, type AccessReview, type DocumentOutcome, type PublicKey } from 'medledger-chaincode/api'
import { GatewayError } from '../error.ts'
import type { LedgerClient, LedgerTransport, LedgerStepName, Observe } from '../ledger/index.ts'
import type { Vault } from '../vault/index.ts'
import type { ReleaseAnswer, ReleaseRequest } from './message.ts'
import type { ReleaseRecords } from './records.ts'
import { sealContent } from './seal.ts'

interface Sources {
  /** Name of the own organisation, the custodian. */
  readonly custodian: string
  readonly client: Pick<LedgerClient, 'evaluate'>
  readonly transport: Pick<LedgerTransport, 'waitForBlock' | 'height'>
  readonly vault: Pick<Vault, 'read'>
  readonly records: ReleaseRecords
  /** Milliseconds since 1970 (UTC). */
  readonly now: () => number
  readonly observe: Observe
}

/** Answers another organisation's gateway, whose name its TLS certificate has proved. */
export type Give = (request: ReleaseRequest, asker: string) => Promise<ReleaseAnswer>

/** How long the own peer may take to catch up with the block of the access. */
const catchUpMs = 2500

/**
 * The custodian's side of a release (DESIGN: log before release). Content leaves only when the own peer holds the
 * access as valid, the decision on its newest state still permits it, and it has not been released before.
 * Errors: LEDGER_UNAVAILABLE, NOT_RELEASED, ALREADY_RELEASED.
 */
export function createGive(sources: Sources): Give {
  const { custodian, client, transport, vault, records, now } = sources
  return async ({ entry: id, block }, asker) => {
    const tell = clock(sources.observe)
    await transport.waitForBlock(block, catchUpMs)
    const { connected, blocks } = transport.height()
    if (!connected) {
      throw new GatewayError(
        'LEDGER_UNAVAILABLE',
        'The custodian does not hear from its peer: try again later.',
      )
    }
    // Only the own peer is asked: another's word would do for an attacker who controls that other. And it must hold all
    // that was heard of, whatever block the asker names: a revocation may be in it.
    const options = { organisations: [custodian], minimumBlock: Math.max(block, blocks - 1) }
    const review = await client.evaluate('ReviewAccess', { custodian, through: asker, entry: id }, options)
    tell('release.review')
    const recipient = requireReleasable(review, asker, now())
    // An answer, not a refusal: who has no document by this id must not be told apart from who is denied one.
    const permitted = review.registered
      ? review.entry.documents.filter((document) => stillPermitted(document, review))
      : []
    const sealed = await Promise.all(permitted.map((document) => seal(vault, review, document, recipient)))
    const documents = sealed.filter((document) => document !== undefined)
    const ids = documents.map(({ document }) => document)
    await records.claim({ through: asker, access: id, documents: ids })
    tell('release.claim')
    tell('release.send')
    return { documents }
  }
}

/** Tells steps with the time since the last one. */
function clock(observe: Observe): (step: LedgerStepName) => void {
  let last = performance.now()
  return (step) => {
    const milliseconds = performance.now() - last
    last += milliseconds
    observe({ step, name: 'RequestAccess', outcome: '', milliseconds })
  }
}

/** Errors: NOT_RELEASED, without telling which condition failed. */
function requireReleasable({ entry }: AccessReview, asker: string, now: number): PublicKey {
  const age = now - Date.parse(entry.at)
  const fresh = age <= limits.freshnessMs && age >= -limits.clockAheadMs
  if (entry.recipient === undefined || entry.agent.through !== asker || !fresh) {
    throw new GatewayError('NOT_RELEASED', 'Nothing is released for this access.')
  }
  return entry.recipient
}

/** Permitted then and now, and of the same version: any difference is a refusal. */
function stillPermitted({ document, version, outcome }: DocumentOutcome, { now }: AccessReview): boolean {
  const again = now.find((candidate) => candidate.document === document)
  return outcome === 'permit' && again?.outcome === 'permit' && again.version === version
}

type Released = ReleaseAnswer['documents'][number]

async function seal(
  vault: Pick<Vault, 'read'>,
  { entry: { entry }, digests }: AccessReview,
  { document, version }: DocumentOutcome,
  recipient: PublicKey,
): Promise<Released | undefined> {
  const digest = digests[document]
  if (version === null || digest === undefined) return undefined
  const content = await vault.read({ document, version, digest })
  if (content === undefined) return undefined
  return {
    document,
    version,
    content: asContent(await sealContent(content, recipient, { entry, document, version })),
  }
}

function asContent({
  protected: header = '',
  iv = '',
  tag = '',
  ciphertext,
  aad = '',
}: FlattenedJWE): Released['content'] {
  return { protected: header, iv, tag, ciphertext, aad }
}
