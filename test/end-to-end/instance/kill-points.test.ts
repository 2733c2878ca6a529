import { afterAll, beforeAll, expect, test } from 'vitest'
import { openOperations } from '../../support/kill-operations.ts'
import { killAt, tableOf, type Verdict } from '../../support/kill-points.ts'
import { startKillRig, type KillRig } from '../../support/kill-rig.ts'
import { testPort } from '../../support/ports.ts'

let rig: KillRig
let close = async (): Promise<void> => {}
beforeAll(async () => {
  rig = await startKillRig(testPort(700))
  close = () => rig.close()
}, 240_000)
afterAll(() => close())

/** The long run has them all: `npm run test:long`. */
const sample = {
  'read, asking gateway': [
    'outbox.write RequestAccess',
    'order.send RequestAccess',
    'release.ask RequestAccess',
  ],
  'read, custodian’s gateway': ['release.claim RequestAccess', 'order RecordRelease', 'commit RecordRelease'],
  grant: ['endorsement GrantConsent', 'order GrantConsent'],
  search: ['commit RecordReading'],
  'register a document': ['commit RegisterDocuments'],
} as const

test('a gateway killed on the way loses nothing, doubles nothing, and releases nothing unlogged', async () => {
  const { patient, operations } = await openOperations(rig.network)
  const verdicts: Verdict[] = []
  for (const [name, labels] of Object.entries(sample)) {
    const operation = operations.find((candidate) => candidate.name === name)
    if (operation === undefined) throw new Error(`there is no operation ${name}`)
    for (const label of labels) {
      const verdict = await killAt(rig, patient, operation, { label, occurrence: 1 })
      verdicts.push(verdict)
      const { lost, doubled, unlogged, killed } = verdict
      expect({ label, killed, lost, doubled, unlogged }).toEqual({
        label,
        killed: true,
        lost: [],
        doubled: [],
        unlogged: [],
      })
    }
  }
  expect(tableOf(verdicts)).toContain('| all | | 10 | 0 | 0 | 0 |')
})
