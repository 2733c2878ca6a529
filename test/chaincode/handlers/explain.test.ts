import { beforeEach, describe, expect, test } from 'vitest'
import {
  randomId,
  type Entry,
  type ExplanationAnswer,
  type FieldsOf,
  type SimulationAnswer,
} from 'medledger-chaincode/api'
import {
  access,
  actorOf,
  consentOf,
  defaultPolicyOf,
  doctorActor,
  grant,
  read,
  registerDocuments,
  registrationOf,
  revoke,
} from '../../support/ledger-samples.ts'
import { demoWorld, gatewayOf, people, type User, type World } from '../../support/ledger-world.ts'

let world: World
beforeEach(async () => {
  world = await demoWorld()
})

const notFound = { code: 'NOT_FOUND' }
const research = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HRESCH' }
const report = { type: { system: 'http://loinc.org', code: '11502-2', display: 'Laboratory report' } }

describe('an access is explained', () => {
  async function explained(
    entry: string,
    { user = 'maria', through = 'south' }: { user?: User; through?: string } = {},
  ): Promise<ExplanationAnswer> {
    const submitter = await world.as(user)
    const look = await read(world, submitter, user, 'AuditEvent')
    return world.evaluate(
      'ExplainEntry',
      { custodian: 'north', entry: look, of: { through, entry } },
      submitter,
    )
  }

  test('to the patient, by her directives as they were then', async () => {
    const [document = ''] = await registerDocuments(world, 'north', 'maria', [
      registrationOf('north', report),
    ])
    const consent = await grant(
      world,
      'maria',
      consentOf({ type: 'permit', actor: [doctorActor('dr.chen')] }),
    )
    const entry = await access(world, 'dr.chen', [document])
    await revoke(world, 'maria', consent)
    expect(await explained(entry.entry)).toEqual({
      entry,
      isSame: true,
      sentences: [],
      documents: [
        {
          document,
          ...report,
          outcome: 'permit',
          basis: 'consent',
          basedOn: [consent],
          sentences: [
            `The document Laboratory report of 2025-11-03 may be read: your permission for dr.chen (${consent.slice(0, 8)}) allows it.`,
          ],
        },
      ],
    })
  })

  test('with the names of organisations and roles, and with what did not count', async () => {
    const [document = ''] = await registerDocuments(world, 'north', 'maria')
    const doctors = { reference: { identifier: { system: 'urn:medledger:role', value: 'doctor' } } }
    await grant(world, 'maria', consentOf({ type: 'deny', actor: [actorOf('Organization/south')] }))
    await grant(world, 'maria', consentOf({ type: 'permit', actor: [doctors] }))
    await grant(world, 'maria', consentOf({ type: 'permit', period: { end: '2026-01-14' } }))
    const { entry } = await access(world, 'dr.chen', [document])
    const { sentences, documents } = await explained(entry)
    expect(sentences.join()).toMatch(
      /^Your permission for everybody \([0-9a-f]{8}\) does not count here: it has ended\.$/,
    )
    expect(documents[0]?.sentences.join(' ')).toMatch(
      /your refusal towards South Hospital \(.{8}\) refuses it\. Your permission for everybody with the role doctor \(.{8}\) does not help/,
    )
  })

  test('with what its custodian held back of it, and for which consent', async () => {
    const [document = ''] = await registerDocuments(world, 'north', 'maria')
    const permit = await grant(world, 'maria', consentOf())
    const deny = await grant(world, 'maria', consentOf({ type: 'deny', purpose: [research] }))
    const { entry } = await access(world, 'dr.chen', [document])
    const fields = { custodian: 'north', through: 'south', access: entry, documents: [document] }
    world.now += 1000
    const release = await world.submit('RecordRelease', fields, gatewayOf('north'))
    const told = async (): Promise<string[] | undefined> => (await explained(entry)).documents[0]?.sentences
    const allowed = expect.stringContaining(`(${permit.slice(0, 8)}) allows it.`)
    expect(await told()).toEqual([allowed])
    const values = world.state.get('access-north')
    for (const [key, held] of values ?? []) {
      if (!key.startsWith('entry/') || !key.endsWith(release)) continue
      const kept = JSON.parse(Buffer.from(held.value).toString()) as { value: Entry }
      const documents = kept.value.documents.map((one) => ({ ...one, outcome: 'deny', basedOn: [deny] }))
      const value = Buffer.from(JSON.stringify({ ...kept, value: { ...kept.value, documents } }))
      values?.set(key, { ...held, value })
    }
    expect(await told()).toEqual([
      allowed,
      `It was held back as a whole when it was to be handed out: your refusal towards everybody, for research (${deny.slice(0, 8)}) refuses a part of it.`,
    ])
  })

  test('alike for a document that does not exist and for another patient’s', async () => {
    const [document = ''] = await registerDocuments(world, 'north', 'maria')
    const [other = ''] = await registerDocuments(world, 'north', 'tomas')
    const entry = await access(world, 'maria', [document, other, `north-${randomId()}`])
    const { documents, isSame } = await explained(entry.entry, { through: 'authority' })
    expect(isSame).toBe(true)
    expect(documents[0]?.sentences).toEqual([expect.stringMatching(/may be read: it is your own\.$/)])
    const [, second, third] = documents.map(({ document: _id, ...told }) => told)
    expect(second).toEqual(third)
    expect(second).toMatchObject({
      basis: 'no-such-document',
      sentences: ['You have no document with this id here.'],
    })
  })

  test('to nobody else: another patient’s entry is like none, and so is one that is no access', async () => {
    const [document = ''] = await registerDocuments(world, 'north', 'maria')
    const entry = await access(world, 'dr.chen', [document])
    await expect(explained(entry.entry, { user: 'tomas' })).rejects.toMatchObject(notFound)
    await expect(explained(randomId())).rejects.toMatchObject(notFound)
    await expect(explained(entry.entry, { through: 'north' })).rejects.toMatchObject(notFound)
    const search = await read(world, await world.as('dr.chen'), 'maria', 'DocumentReference')
    await expect(explained(search)).rejects.toMatchObject(notFound)
  })

  test('only with a recorded look of her own at the log', async () => {
    const [document = ''] = await registerDocuments(world, 'north', 'maria')
    const { entry } = await access(world, 'dr.chen', [document])
    const maria = await world.as('maria')
    const of = { through: 'south', entry }
    const ask = (look: string) =>
      world.evaluate('ExplainEntry', { custodian: 'north', entry: look, of }, maria)
    await expect(ask(randomId())).rejects.toMatchObject(notFound)
    await expect(ask(await read(world, maria, 'maria', 'Consent'))).rejects.toMatchObject(notFound)
    await expect(ask(await read(world, maria, 'tomas', 'AuditEvent'))).rejects.toMatchObject({
      code: 'FORBIDDEN',
    })
  })

  test('as far as that goes where it cannot be decided again', async () => {
    const [document = ''] = await registerDocuments(world, 'north', 'maria')
    const { entry } = await access(world, 'dr.chen', [document, `north-${randomId()}`])
    const kept = world.state.get('consent-north')
    for (const key of kept?.keys() ?? []) if (key.startsWith('document-version/')) kept?.delete(key)
    const answer = await explained(entry)
    expect(answer).not.toHaveProperty('isSame')
    expect(answer.sentences).toEqual([
      'This cannot be decided again: a document is no longer known here as it was then.',
    ])
    expect(answer.documents).toMatchObject([
      { outcome: 'deny', sentences: [] },
      { basis: 'no-such-document' },
    ])
  })
})

describe('a decision is simulated', () => {
  type Asked = Partial<Omit<FieldsOf<'SimulateDecision'>, 'custodian' | 'entry'>>

  async function simulated(asked: Asked = {}, custodian = 'north'): Promise<SimulationAnswer> {
    const submitter = await world.as('maria')
    const entry = await read(world, submitter, 'maria', 'Consent', { custodian })
    const who = { practitioner: people['dr.chen'].handle }
    return world.evaluate(
      'SimulateDecision',
      { custodian, entry, who, purpose: 'TREAT', ...asked },
      submitter,
    )
  }
  const outcomes = ({ documents }: SimulationAnswer): string[] => documents.map(({ outcome }) => outcome)

  test('with her directives as they are, document by document', async () => {
    const [first = '', second = ''] = await registerDocuments(world, 'north', 'maria', [
      registrationOf('north', report),
      registrationOf('north'),
    ])
    await registerDocuments(world, 'north', 'tomas')
    const types = [{ coding: [{ system: 'http://loinc.org', code: '11502-2' }] }]
    const consent = await grant(world, 'maria', consentOf({ type: 'permit', code: types }))
    const answer = await simulated()
    expect(answer.outcome).toBe('permit')
    const byId = new Map(answer.documents.map((one) => [one.document, one]))
    expect([...byId.keys()].sort()).toEqual([first, second].sort())
    expect(byId.get(first)).toMatchObject({ ...report, outcome: 'permit', basedOn: [consent] })
    expect(byId.get(second)?.sentences).toEqual([expect.stringContaining('does not go as far as this')])
  })

  test('as if she granted and as if she revoked, and nothing is changed', async () => {
    await registerDocuments(world, 'north', 'maria')
    expect(outcomes(await simulated())).toEqual(['deny'])
    const considered = {
      consent: randomId(),
      directive: consentOf({ type: 'permit', actor: [doctorActor('dr.chen')] }),
    }
    const granted = await simulated({ considered })
    expect(granted.documents).toMatchObject([
      {
        outcome: 'permit',
        basedOn: [considered.consent],
        sentences: [expect.stringContaining('the considered permission for dr.chen allows it')],
      },
    ])
    expect(outcomes(await simulated())).toEqual(['deny'])
    const consent = await grant(world, 'maria', consentOf())
    expect(outcomes(await simulated())).toEqual(['permit'])
    expect(outcomes(await simulated({ without: [consent, randomId()] }))).toEqual(['deny'])
    const policy = { consent: randomId(), directive: defaultPolicyOf('all-normal') }
    expect(outcomes(await simulated({ without: [consent], considered: policy }))).toEqual(['permit'])
    expect(outcomes(await simulated())).toEqual(['permit'])
  })

  test('for a person, an organisation or a role, for a purpose and at an instant', async () => {
    await registerDocuments(world, 'north', 'maria')
    const period = { start: '2026-02-01', end: '2026-02-28' }
    const purpose = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HRESCH' }]
    await grant(
      world,
      'maria',
      consentOf({ type: 'permit', actor: [actorOf('Organization/south')], period, purpose }),
    )
    const february = { at: '2026-02-28T23:59:59Z', purpose: 'HRESCH' }
    expect(outcomes(await simulated(february))).toEqual(['permit'])
    expect(outcomes(await simulated({ ...february, who: { organisation: 'south' } }))).toEqual(['permit'])
    expect(outcomes(await simulated({ ...february, who: { organisation: 'north' } }))).toEqual(['deny'])
    expect(outcomes(await simulated({ ...february, who: { role: 'doctor' } }))).toEqual(['deny'])
    expect(outcomes(await simulated({ ...february, who: { role: 'patient' } }))).toEqual(['deny'])
    expect(outcomes(await simulated({ ...february, purpose: 'TREAT' }))).toEqual(['deny'])
    const now = await simulated({ purpose: 'HRESCH' })
    expect([now.outcome, ...now.sentences]).toEqual([
      'deny',
      expect.stringContaining('it is not valid yet'),
      expect.stringMatching(/^Nothing that you have said covers such a request/),
    ])
  })

  test('and an access gives the same', async () => {
    const [document = ''] = await registerDocuments(world, 'north', 'maria')
    for (const provision of [{ type: 'permit' }, { type: 'deny', actor: [doctorActor('dr.chen')] }]) {
      await grant(world, 'maria', consentOf(provision))
      const { documents } = await access(world, 'dr.chen', [document])
      expect(outcomes(await simulated())).toEqual(documents.map(({ outcome }) => outcome))
    }
  })

  test('for nobody who is not registered or cannot ask for documents, and for no directive that could not be granted', async () => {
    await expect(simulated({ who: { practitioner: randomId() } })).rejects.toMatchObject(notFound)
    const invalid = { code: 'INVALID_REQUEST' }
    await expect(simulated({ who: { practitioner: people['records.north'].handle } })).rejects.toMatchObject(
      invalid,
    )
    await expect(simulated({ who: { organisation: 'nowhere' } })).rejects.toMatchObject(invalid)
    const consider = (directive: Record<string, unknown>) =>
      simulated({ considered: { consent: randomId(), directive } })
    await expect(consider(consentOf({ type: 'perhaps' }))).rejects.toMatchObject(invalid)
    await expect(
      consider(consentOf({ type: 'deny', actor: [actorOf('Organization/west')] })),
    ).rejects.toMatchObject(invalid)
    const another = { patient: { reference: `Patient/${people.tomas.handle}` } }
    await expect(consider(consentOf({ type: 'permit' }, another))).rejects.toMatchObject(invalid)
  })

  test('only with a recorded look of her own at her consents', async () => {
    const maria = await world.as('maria')
    const entry = await read(world, maria, 'maria', 'AuditEvent')
    const fields = { custodian: 'north', entry, who: { role: 'doctor' }, purpose: 'TREAT' } as const
    await expect(world.evaluate('SimulateDecision', fields, maria)).rejects.toMatchObject(notFound)
  })
})
