import type { AuditEvent, AuditEventAgent, AuditEventEntity } from 'fhir/r4.js'
import { canonical, type Entry } from 'medledger-chaincode/api'
import type { Position } from '../store/index.ts'
import { actReason } from './common.ts'

/** An entry with its place on the chain. */
export interface LoggedEntry extends Position {
  readonly entry: Entry
  /** Of an access: whether a release of it is on the ledger. */
  readonly delivered: boolean | null
}

/** The extension with the entry as a row for a list: canonical JSON of {@link LogRow}. */
export const entryExtension = 'urn:medledger:entry'

export interface LogRow {
  readonly entry: string
  readonly at: string
  readonly block: number
  readonly position: number
  readonly kind: Entry['kind']
  readonly person: string
  readonly personId?: string
  readonly organisation: string
  /** The organisation through which the request came: ids are unique within it. */
  readonly through: string
  readonly purpose?: string
  readonly outcome: Entry['outcome']
  readonly custodian: string
  readonly documents: readonly { readonly id: string; readonly outcome: Entry['outcome'] }[]
  readonly readingOf?: string
  readonly consent?: string
  readonly change?: string
  readonly of?: string
  readonly assurance: Entry['assurance']
  readonly delivered: boolean | null
}

/** A row without members that are undefined, so that it has a canonical form. */
export function toRow({ entry, block, position, delivered }: LoggedEntry): LogRow {
  const { agent, purpose, readingOf, consent, change, of } = entry
  return {
    entry: entry.entry,
    at: entry.at,
    block,
    position,
    kind: entry.kind,
    person: agent.name ?? (agent.kind === 'patient' ? 'the patient' : `gateway of ${agent.organisation}`),
    organisation: agent.organisation,
    through: agent.through,
    outcome: entry.outcome,
    custodian: entry.custodian,
    documents: entry.documents.map(({ document, outcome }) => ({ id: document, outcome })),
    assurance: entry.assurance,
    delivered,
    ...(agent.id !== undefined && { personId: agent.id }),
    ...(purpose !== undefined && { purpose }),
    ...(readingOf !== undefined && { readingOf }),
    ...(consent !== undefined && { consent }),
    ...(change !== undefined && { change }),
    ...(of !== undefined && { of }),
  }
}

const interactionOf = {
  access: { code: 'read', action: 'R' },
  search: { code: 'search-type', action: 'E' },
  log: { code: 'search-type', action: 'E' },
  consent: { code: 'create', action: 'C' },
  release: { code: 'read', action: 'R' },
  cancel: { code: 'update', action: 'U' },
} as const satisfies Record<Entry['kind'], { code: string; action: AuditEvent['action'] }>

/** An entry as FHIR R4 AuditEvent, after IHE Basic Audit Log Patterns (patient read and search). */
export function toAuditEvent(logged: LoggedEntry): AuditEvent {
  const { entry } = logged
  const { code, action } = interactionOf[entry.kind]
  return {
    resourceType: 'AuditEvent',
    id: entry.entry,
    extension: [{ url: entryExtension, valueString: canonical(toRow(logged)) }],
    type: { system: 'http://terminology.hl7.org/CodeSystem/audit-event-type', code: 'rest' },
    subtype: [{ system: 'http://hl7.org/fhir/restful-interaction', code }],
    action,
    recorded: entry.at,
    // 0 success, 4 minor failure (DICOM audit outcome): a denial is an answer, not a fault of the system.
    outcome: entry.outcome === 'permit' ? '0' : '4',
    agent: [agentOf(logged)],
    source: { observer: { reference: `Organization/${entry.custodian}` } },
    entity: entitiesOf(entry),
  }
}

function agentOf({ entry }: LoggedEntry): AuditEventAgent {
  const { agent, purpose } = entry
  const type = { person: 'Practitioner', patient: 'Patient', gateway: 'Organization' }[agent.kind]
  return {
    requestor: agent.kind !== 'gateway',
    who: {
      reference: `${type}/${agent.id ?? agent.organisation}`,
      ...(agent.name !== undefined && { display: agent.name }),
    },
    ...(purpose !== undefined && { purposeOfUse: [{ coding: [{ system: actReason, code: purpose }] }] }),
  }
}

function entitiesOf({ patient, documents, consent }: Entry): AuditEventEntity[] {
  const what = [
    ...(patient === null ? [] : [`Patient/${patient}`]),
    ...documents.map(({ document }) => `Bundle/${document}`),
    ...(consent === undefined ? [] : [`Consent/${consent}`]),
  ]
  return what.map((reference) => ({ what: { reference } }))
}
