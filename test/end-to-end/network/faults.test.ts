import { beforeAll, describe, expect, test } from 'vitest'
import { newDocument, newPatient, organisation, type TestPatient } from '../../support/clinic.ts'
import { codeOf, openNetwork, send, type Answer, type Network } from '../../support/network.ts'
import { poll } from '../../support/poll.ts'

let network: Network
let patient: TestPatient
let north: string
let south: string

beforeAll(async () => {
  network = await openNetwork()
  patient = await newPatient(network)
  north = await newDocument(network, patient.handle, 'north')
  south = await newDocument(network, patient.handle, 'south')
  await patient.grant({ type: 'permit', actor: [organisation('south'), organisation('north')] })
})

const read = (user: string, document: string): Promise<Answer> =>
  network.ask(user, `/fhir/Bundle/${document}`)

const readable = (user: string, document: string): Promise<Answer> =>
  poll(`${document} to be readable again`, async () => {
    const answer = await read(user, document)
    return answer.status === 200 ? answer : undefined
  })

describe('without the orderer', () => {
  test('nothing is released, and the answer comes within 5 s', async () => {
    const { answer, elapsedMs } = await network.without('orderer', async () => {
      const begun = performance.now()
      const refused = await read('dr.chen', north)
      return { answer: refused, elapsedMs: performance.now() - begun }
    })
    expect([202, 503]).toContain(answer.status)
    expect(['LEDGER_UNAVAILABLE', 'OUTCOME_UNKNOWN']).toContain(codeOf(answer))
    expect(answer.text).not.toContain('content')
    expect(elapsedMs).toBeLessThan(5000)
    await readable('dr.chen', north)
  })
})

describe('a gateway stays ready, and tells what does not work', () => {
  const readiness = (name: string): Promise<Answer> => send(network, name, '/readyz')
  const brokenAt = (name: string, parts: readonly string[]): Promise<Answer> =>
    poll(`${name} to say that ${parts.join(' and ') || 'nothing'} is broken`, async () => {
      const answer = await readiness(name)
      const broken = ['ordering', 'chaincode'].filter((part) => answer.body[part]?.works === false)
      return broken.join() === parts.join() ? answer : undefined
    })

  test('while the orderer is away', async () => {
    await network.without('orderer', async () => {
      const answer = await brokenAt('north', ['ordering'])
      expect([answer.status, answer.body.ready, answer.body.degraded]).toEqual([200, true, true])
    })
    expect((await brokenAt('north', [])).body).toMatchObject({ ready: true, degraded: false })
  })

  test('while its own chaincode is away, and nobody else does', async () => {
    await network.without('chaincode-north', async () => {
      expect((await brokenAt('north', ['chaincode'])).status).toBe(200)
      // Polled, since its last answer may still be about the orderers that were away.
      expect((await brokenAt('south', [])).body).toMatchObject({ ready: true, degraded: false })
      expect((await readiness('north')).body).toMatchObject({ degraded: true })
    })
    await brokenAt('north', [])
    await readable('dr.chen', north)
  })
})

describe("without a custodian's peer", () => {
  test('its documents are unavailable, and the others go on', async () => {
    await network.without('peer-north', async () => {
      const unavailable = await read('dr.chen', north)
      expect([202, 503]).toContain(unavailable.status)
      expect((await read('dr.chen', south)).status).toBe(200)
      const search = await patient.ask(`/fhir/DocumentReference?patient=${patient.handle}`)
      expect(search.status).toBe(200)
      expect(search.text).toContain(south)
      expect(search.text).not.toContain(north)
      expect(search.text).toContain('north:')
    })
    await readable('dr.chen', north)
  })

  test('a custodian cannot hold back a revocation', async () => {
    if (network.constitution.placements.some(({ members }) => members.length < 3)) {
      // With two members in all, both must endorse: the README says so, and this shows it.
      const granted = await patient.grant({ type: 'permit', actor: [organisation('south')] }, ['north'])
      const answer = await network.without('peer-north', () => patient.revoke(granted.body.id))
      expect([202, 503]).toContain(answer.status)
      return
    }
    const granted = await patient.grant({ type: 'permit', actor: [organisation('south')] }, ['north'])
    const revoked = await network.without('peer-north', () => patient.revoke(granted.body.id))
    expect(revoked.status).toBe(200)
    await readable('dr.chen', north)
  })
})

describe('a chaincode process that dies in mid-call', () => {
  test('leaves every request with a clear answer, and nothing lost', async () => {
    const asking = Promise.all(Array.from({ length: 12 }, () => read('dr.chen', north)))
    await network.kill('chaincode-north')
    const answers = await asking
    for (const answer of answers) {
      expect([200, 202, 503]).toContain(answer.status)
      if (answer.status !== 200) expect(codeOf(answer)).not.toBe('INTERNAL')
    }
    await readable('dr.chen', north)
    const entries = new Set((await patient.log()).map(({ entry }) => entry))
    const released = answers.filter(({ status }) => status === 200)
    expect(released.every((answer) => entries.has(answer.entries[0] ?? ''))).toBe(true)
  })
})
