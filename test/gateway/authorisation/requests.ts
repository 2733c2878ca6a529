import type { Role } from 'medledger-chaincode/api'
import { depositOf, type Organisation } from '../../support/gateway-network.ts'
import { accessTo } from '../../support/ledger-samples.ts'
import { gatewayOf } from '../../support/ledger-world.ts'
import { contentOf, custodians, fresh, toConsent, type Asker, type Stage, type Target } from './cast.ts'
import { answered, isHerself, maySee, notTaken, refused, turnedAway, type Verdict } from './rules.ts'

/** A request of somebody through a gateway, what must come of it, and what must be in the answer. */
export interface Cell {
  readonly url: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly expected: Verdict
  /** Texts that the answer must hold. Content that is not among them must not be in it. */
  readonly holds?: readonly string[]
  /** What has to happen before. */
  readonly prepare?: () => Promise<unknown>
}

export interface Seat {
  readonly stage: Stage
  readonly asker: Asker
  readonly gateway: Organisation
  readonly target: Target
}

type Rule = (seat: Seat) => readonly Cell[] | Promise<readonly Cell[]>

/** What every route is expected to do, by method and pattern. A new route needs a rule here, or the matrix fails. */
export const rules: Readonly<Record<string, Rule>> = {
  'GET /healthz': () => open('/healthz'),
  'GET /readyz': () => open('/readyz'),
  'GET /fhir/metadata': () => open('/fhir/metadata'),
  'GET /openapi.json': () => open('/openapi.json'),
  'GET /docs': () => open('/docs'),
  'GET /fhir/Bundle/:id': (seat) =>
    custodians.flatMap((custodian) =>
      purposesFor(seat.target).map((purpose) => readOf(seat, custodian, { purpose, isSearch: false })),
    ),
  'GET /fhir/Bundle': (seat) =>
    custodians.map((custodian) => readOf(seat, custodian, { purpose: 'TREAT', isSearch: true })),
  'GET /fhir/DocumentReference': documentReferences,
  'GET /fhir/Consent': (seat) => listOf(seat, 'Consent', ['patient'], seat.target.consents),
  'GET /fhir/AuditEvent': (seat) =>
    listOf(seat, 'AuditEvent', ['patient', 'auditor'], ['urn:medledger:entry']),
  'POST /fhir/Consent': grants,
  'PUT /fhir/Consent/:id': revocations,
  'POST /v1/patients': patients,
  'POST /v1/documents': documents,
  'GET /v1/requests/:collection/:request': requests,
  'GET /v1/decisions/:custodian/:through/:entry': decisions,
  'POST /v1/decisions/simulate': simulations,
}

/** Research as well where the purpose makes a difference. */
const purposesFor = ({ said, isAuthored }: Target): string[] =>
  isAuthored || said.some(({ purposes }) => purposes !== undefined) ? ['TREAT', 'HRESCH'] : ['TREAT']

const open = (url: string): readonly Cell[] => [{ url, expected: answered(200) }]

/** The verdict on somebody whom the gateway lets near as one of `who`, the ledger takes for one of them, and `otherwise`. */
function verdict(
  { asker, gateway }: Seat,
  taken: readonly Role[],
  who: readonly Role[],
  otherwise: () => Verdict,
): Verdict {
  return turnedAway(asker, gateway, who) ?? notTaken(asker, gateway, taken) ?? otherwise()
}

function readOf(
  seat: Seat,
  custodian: (typeof custodians)[number],
  { purpose, isSearch }: { readonly purpose: string; readonly isSearch: boolean },
): Cell {
  const { asker, target } = seat
  const isSeen = target.hasDocuments && maySee(asker, target, custodian, purpose)
  const commits = [`RequestAccess ${custodian}`]
  const expected = verdict(seat, ['doctor', 'patient'], ['doctor', 'patient'], () =>
    isSeen ? answered(200, commits) : refused(403, 'NOT_RELEASED', 'nothing is released', commits),
  )
  const id = target.documents[custodian]
  return {
    url: isSearch ? `/fhir/Bundle?_id=${id},${custodian}-${fresh()}` : `/fhir/Bundle/${id}`,
    ...(purpose !== 'TREAT' && { headers: { 'x-purpose-of-use': purpose } }),
    expected,
    holds: expected.status === 200 ? [contentOf(target, custodian)] : [],
  }
}

const everywhere = (name: string): string[] => custodians.map((custodian) => `${name} ${custodian}`)

function documentReferences(seat: Seat): readonly Cell[] {
  const { asker, target } = seat
  const isOthers = asker.registered?.role === 'patient' && !isHerself(asker, target)
  const expected = verdict(seat, ['doctor', 'patient'], ['doctor', 'patient'], () =>
    isOthers
      ? refused(403, 'FORBIDDEN', 'the reading is denied', everywhere('RecordReading'))
      : answered(200, everywhere('RecordReading')),
  )
  const seen = custodians.filter((custodian) => target.hasDocuments && maySee(asker, target, custodian))
  const holds =
    expected.status === 200 ? seen.map((custodian) => `"Bundle/${target.documents[custodian]}"`) : []
  const total = expected.status === 200 ? [`"total":${holds.length}`] : []
  return [{ url: `/fhir/DocumentReference?patient=${target.handle}`, expected, holds: [...holds, ...total] }]
}

function listOf(seat: Seat, type: string, who: readonly Role[], texts: readonly string[]): readonly Cell[] {
  const { asker, target } = seat
  const attempt = everywhere('RecordReading')
  const expected = verdict(seat, ['doctor', 'patient', 'auditor'], who, () => {
    const role = asker.registered?.role
    if (isHerself(asker, target) || role === 'auditor') return answered(200, attempt)
    // The attempt of somebody who can read something at all is recorded, and then denied.
    const why = role === 'patient' ? 'the reading is denied' : `is ${role}`
    return refused(403, 'FORBIDDEN', why, attempt)
  })
  return [`Patient/${target.handle}`, target.handle].map((patient) => ({
    url: `/fhir/${type}?patient=${patient}`,
    expected,
    holds: expected.status === 200 ? texts : [],
  }))
}

const notHers = refused(403, 'FORBIDDEN', 'somebody else’s consents')

function grants(seat: Seat): readonly Cell[] {
  const { asker, target } = seat
  const expected = verdict(seat, ['patient'], ['patient'], () =>
    isHerself(asker, target) ? answered(201, everywhere('GrantConsent')) : notHers,
  )
  return [{ url: '/fhir/Consent', body: toConsent(target.handle, { effect: 'permit' }), expected }]
}

function revocations(seat: Seat): readonly Cell[] {
  const { asker, target } = seat
  const cell = (consent: string, patient: string): Cell => ({
    url: `/fhir/Consent/${consent}`,
    body: { ...toConsent(patient, { effect: 'permit' }), status: 'inactive' },
    // Whatever is in force or known: a grant that comes later must find the revocation.
    expected: verdict(seat, ['patient'], ['patient'], () =>
      asker.registered?.handle === patient ? answered(200, everywhere('RevokeConsent')) : notHers,
    ),
  })
  const [consent = fresh()] = target.consents
  const own = asker.registered?.handle ?? fresh()
  // The last is her own patient record and somebody else's consent.
  return [cell(consent, target.handle), cell(fresh(), target.handle), cell(consent, own)]
}

function patients(seat: Seat): readonly Cell[] {
  const { stage, target } = seat
  const issuerOf = (name: string): string => stage.network.world.issuers.get(name)?.issuer ?? ''
  const cell = (patient: string, issuer: Organisation, otherwise: () => Verdict): Cell => ({
    url: '/v1/patients',
    body: { patient, issuer: issuerOf(issuer), subject: `new-${fresh()}` },
    expected: verdict(seat, ['operator'], ['operator'], otherwise),
  })
  const isAuthority = seat.asker.registered?.organisation === 'authority'
  const noSuchIssuer = refused(403, 'FORBIDDEN', 'no issuer of patients')
  const registered = (): Verdict => (isAuthority ? answered(201, ['RegisterPatient']) : noSuchIssuer)
  const taken = (): Verdict => (isAuthority ? refused(409, 'CONFLICT', 'taken') : noSuchIssuer)
  return [
    cell(fresh(), 'authority', registered),
    cell(fresh(), 'north', () => noSuchIssuer),
    cell(target.handle, 'authority', target.isRegistered ? taken : registered),
  ]
}

function documents(seat: Seat): readonly Cell[] {
  const { asker, target } = seat
  const custodian = asker.registered?.organisation ?? ''
  const body = { patient: target.handle, documents: [depositOf(fresh())] }
  const expected = verdict(seat, ['custodian'], ['custodian'], () =>
    target.isRegistered
      ? answered(200, [`RegisterDocuments ${custodian}`])
      : refused(404, 'NOT_FOUND', 'no such patient'),
  )
  return [{ url: '/v1/documents', body, headers: { 'content-type': 'application/json' }, expected }]
}

/** What became of her own request, of somebody else's through the same gateway, and of nobody's. */
async function requests(seat: Seat): Promise<readonly Cell[]> {
  const { stage, asker, gateway, target } = seat
  const who = ['doctor', 'patient', 'auditor'] as const
  const mayLook = verdict(seat, who, who, () => answered(200))
  const isRecorded = mayLook.status === 200
  const other = stage.askersOf(target).find(({ name }) => name === 'another patient')
  const record = (request: string, by: Asker | undefined) => async (): Promise<unknown> => {
    const token = by && (await stage.tokenOf(by, gateway))
    if (token === undefined) return undefined
    const fields = {
      custodian: 'north',
      patient: target.handle,
      readingOf: 'AuditEvent',
      purpose: 'TREAT',
    } as const
    const submitter = { ...gatewayOf(gateway), token }
    return stage.network.world.submit('RecordReading', fields, submitter, { request, salt: fresh() })
  }
  const unknown = isRecorded ? answered(200, [], 'no request of hers') : mayLook
  const isOther = asker.registered?.handle === other?.registered?.handle
  return [
    ...(isRecorded ? [ask(fresh(), mayLook, asker)] : []),
    ...(isOther ? [] : [ask(fresh(), unknown, other)]),
    ask(fresh(), unknown, undefined),
  ]

  function ask(request: string, expected: Verdict, by: Asker | undefined): Cell {
    const state = by === asker ? 'committed' : 'unknown'
    return {
      url: `/v1/requests/consent-north/${request}`,
      expected,
      holds: expected.status === 200 ? [`"state":"${state}"`] : [],
      prepare: record(request, by),
    }
  }
}

/** An access of somebody's to the target's document, explained to the target alone; and one that there is not. */
function decisions(seat: Seat): readonly Cell[] {
  const { stage, asker, target } = seat
  const { world } = stage.network
  const who = ['patient', 'doctor'] as const
  const cell = (entry: string, isHers: boolean, prepare?: Cell['prepare']): Cell => {
    const expected = verdict(seat, who, who, () => {
      if (asker.registered?.role === 'doctor') return answered(200, [], 'the notice for doctors')
      const look = ['RecordReading north']
      return isHers && isHerself(asker, target)
        ? answered(200, look)
        : refused(404, 'NOT_FOUND', 'no access to her documents', look)
    })
    const isTold = expected.status === 200 && isHers && isHerself(asker, target)
    const holds = isTold ? [entry, target.documents.north, '"decidedAgain":"same"'] : []
    return { url: `/v1/decisions/north/south/${entry}`, expected, holds, ...(prepare && { prepare }) }
  }
  const known = fresh()
  const access = async (): Promise<unknown> => {
    const fields = accessTo([target.documents.north])
    return world.submit('RequestAccess', fields, await world.as('dr.chen'), { request: known, salt: fresh() })
  }
  return [cell(known, target.hasDocuments, access), cell(fresh(), false)]
}

/** It is about who asks, whoever the target is. */
function simulations(seat: Seat): readonly Cell[] {
  const { asker, target } = seat
  const expected = verdict(seat, ['patient'], ['patient'], () => answered(200, everywhere('RecordReading')))
  const isShown = expected.status === 200 && isHerself(asker, target) && target.hasDocuments
  return [
    {
      url: '/v1/decisions/simulate',
      body: { who: { role: 'doctor' }, purpose: 'TREAT' },
      expected,
      holds: isShown ? Object.values(target.documents) : [],
    },
  ]
}
