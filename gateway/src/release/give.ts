import type { FlattenedJWE } from 'jose'
import {
  limits,
  type AccessReview,
  type DocumentOutcome,
  type DocumentParts,
  type PublicKey,
  type Withheld,
} from 'medledger-chaincode/api'
import { GatewayError } from '../error.ts'
import type { LedgerClient, LedgerTransport, LedgerStepName, Observe } from '../ledger/index.ts'
import type { Vault } from '../vault/index.ts'
import type { ReleaseAnswer, ReleaseRequest } from './message.ts'
import { decidableParts, toRequests } from './parts.ts'
import type { ReleaseRecords } from './records.ts'
import { sealContent } from './seal.ts'

interface Sources {
  /** Name of the own organisation, the custodian. */
  readonly custodian: string
  readonly client: Pick<LedgerClient, 'evaluate'>
  readonly transport: Pick<LedgerTransport, 'waitForBlock' | 'height'>
  readonly vault: Pick<Vault, 'read' | 'rehearse'>
  readonly records: ReleaseRecords
  /** Where days begin and end. */
  readonly zone: string
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
 * access as valid, the decision on its newest state still permits it and everything inside it, and it has not been released
 * before. Errors: LEDGER_UNAVAILABLE, NOT_RELEASED, ALREADY_RELEASED.
 */
export function createGive(sources: Sources): Give {
  const { custodian, client, transport, records, now } = sources
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
    const look: Look = (parts) =>
      client.evaluate(
        'ReviewAccess',
        { custodian, through: asker, entry: id, ...(parts && { parts: [...parts] }) },
        options,
      )
    const review = await look()
    tell('release.review')
    const recipient = requireReleasable(review, asker, now())
    const { released, withheld } = await lookInside(sources, review, look)
    tell('release.parts')
    // An answer, not a refusal: who has no document by this id must not be told apart from who is denied one.
    const documents = await Promise.all(released.map((opened) => seal(opened, review.entry.entry, recipient)))
    const ids = documents.map(({ document }) => document)
    await records.claim({ through: asker, access: id, documents: ids, withheld })
    tell('release.claim')
    tell('release.send')
    return { documents }
  }
}

/** Has the own peer decide again, on parts of documents too. */
type Look = (parts?: readonly DocumentParts[]) => Promise<AccessReview>

interface Opened {
  readonly document: string
  readonly version: number
  readonly content: unknown
}

interface Inside {
  readonly released: readonly Opened[]
  readonly withheld: readonly Withheld[]
}

/**
 * Opens what is permitted as a whole and has what is inside decided on. Where something is refused, the same steps are taken
 * for it, so that their time tells a document that is denied in part from none as little as may be.
 */
async function lookInside(sources: Sources, review: AccessReview, look: Look): Promise<Inside> {
  const { entry, hasDenies } = review
  const opened = await Promise.all(entry.documents.map((named) => open(sources.vault, review, named)))
  const found = opened.filter((document) => document !== undefined)
  if (!hasDenies && found.length === opened.length) return { released: found, withheld: [] }
  const { zone, vault } = sources
  const inside = await Promise.all(
    opened.map(async (document, index) => ({
      document: entry.documents[index]?.document ?? '',
      parts: decidableParts(document ? document.content : await vault.rehearse(), zone),
    })),
  )
  const decidable = inside.flatMap(({ document, parts }) => (parts ? [{ document, parts }] : []))
  const looks = await Promise.all(toRequests(decidable).map((parts) => look(parts)))
  const isDecidable = ({ document }: Opened): boolean => decidable.some((one) => one.document === document)
  const isStill = ({ document }: Opened): boolean =>
    looks.every((again) => again.registered && again.now.some((now) => permits(now, document)))
  return {
    released: found.filter((document) => isDecidable(document) && isStill(document)),
    withheld: found.flatMap(({ document }): Withheld[] => {
      if (!decidable.some((one) => one.document === document)) return [{ document, basedOn: [] }]
      const denials = looks.flatMap(({ now }) =>
        now.filter((one) => one.document === document && isPartial(one)),
      )
      const basedOn = [...new Set(denials.flatMap((denial) => denial.basedOn))].sort()
      return denials.length > 0 ? [{ document, basedOn }] : []
    }),
  }
}

const permits = ({ document, outcome }: DocumentOutcome, wanted: string): boolean =>
  document === wanted && outcome === 'permit'
const isPartial = ({ basis }: DocumentOutcome): boolean => basis === 'denied-in-part'

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

/** The content of a document that may be released as a whole. */
async function open(
  vault: Pick<Vault, 'read'>,
  review: AccessReview,
  decided: DocumentOutcome,
): Promise<Opened | undefined> {
  const { document, version } = decided
  const digest = review.digests[document]
  if (!review.registered || !stillPermitted(decided, review)) return undefined
  if (version === null || digest === undefined) return undefined
  const content = await vault.read({ document, version, digest })
  return content === undefined ? undefined : { document, version, content }
}

type Released = ReleaseAnswer['documents'][number]

async function seal(
  { document, version, content }: Opened,
  entry: string,
  recipient: PublicKey,
): Promise<Released> {
  const sealed = await sealContent(content, recipient, { entry, document, version })
  return { document, version, content: asContent(sealed) }
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
