import { randomId } from 'medledger-chaincode/api'
import type { LogRow, TestPatient } from './clinic.ts'
import type { Operation } from './kill-operations.ts'
import type { KillPoint, KillRig } from './kill-rig.ts'
import type { Answer } from './network.ts'
import { poll } from './poll.ts'

/** What one kill left behind, once the gateway has been started again and everything is settled. */
export interface Verdict {
  readonly operation: string
  readonly point: KillPoint
  /** False when the gateway did not come to the step. */
  readonly killed: boolean
  /** What was answered, or noted as committed or released, and is not on the ledger. */
  readonly lost: readonly string[]
  /** What is on the ledger more often than it was asked for. */
  readonly doubled: readonly string[]
  /** What was released, or answered with content, without its entry. */
  readonly unlogged: readonly string[]
}

interface OutboxRow {
  readonly request: string
  readonly collection: string
  readonly name: string
  readonly state: string
}
interface ReleaseRow {
  readonly through: string
  readonly access: string
  readonly documents: string
  readonly recorded: number
}

const settled = (rig: KillRig): Promise<true> =>
  poll(
    'every gateway to have settled what it noted',
    () => {
      const open = Object.values(rig.gateways).flatMap((gateway) => [
        ...gateway.rows<OutboxRow>('outbox').filter(({ state }) => state === 'pending'),
        ...gateway.rows<ReleaseRow>('releases').filter(({ recorded }) => recorded === 0),
      ])
      return open.length === 0 ? true : undefined
    },
    { deadlineMs: 30_000 },
  )

/** The steps of the gateway that is to die while an operation goes well: each a point at which to kill it. */
export async function pointsOf(rig: KillRig, operation: Operation): Promise<KillPoint[]> {
  const gateway = rig.gateways[operation.dies]
  if (gateway === undefined) throw new Error(`there is no gateway of ${operation.dies}`)
  const act = await operation.prepare()
  await settled(rig)
  gateway.record()
  const answer = await act(randomId())
  if (answer.status >= 300) throw new Error(`${operation.name}: ${answer.status} ${answer.text}`)
  await settled(rig)
  // What it tells of its last steps is still on its way.
  const recorded = await poll('the last step', () => {
    const steps = gateway.steps()
    return steps.some((step) => /^(outbox\.settle|release\.record|commit)/.test(step)) ? steps : undefined
  })
  const counts = new Map<string, number>()
  return recorded.map((label) => {
    const occurrence = (counts.get(label) ?? 0) + 1
    counts.set(label, occurrence)
    return { label, occurrence }
  })
}

/** Kills a gateway at a step of an operation, starts it again, repeats the operation, and looks at what there is. */
export async function killAt(
  rig: KillRig,
  patient: TestPatient,
  operation: Operation,
  point: KillPoint,
): Promise<Verdict> {
  const gateway = rig.gateways[operation.dies]
  if (gateway === undefined) throw new Error(`there is no gateway of ${operation.dies}`)
  const act = await operation.prepare()
  await settled(rig)
  const before = new Set((await patient.log()).map(nameOf))
  const notedBefore = new Set(outboxOf(rig).map(({ request }) => request))
  const key = randomId()
  await gateway.arm(point)
  const answers: Answer[] = []
  const first = await act(key).catch(() => undefined)
  if (first !== undefined) answers.push(first)
  const killed = await poll('the gateway to die', () => (gateway.isRunning() ? undefined : true), {
    deadlineMs: 3000,
  }).catch(() => false)
  if (killed) await gateway.start()
  else await gateway.arm(undefined)
  await settled(rig)
  answers.push(await act(key))
  await settled(rig)
  const noted = outboxOf(rig).filter(
    ({ request, name }) => !notedBefore.has(request) && leavesEntry.has(name),
  )
  const rows = (await patient.log()).filter((row) => !before.has(nameOf(row)))
  return { operation: operation.name, point, killed, ...judge(rig, operation, { answers, rows, noted }) }
}

const nameOf = ({ custodian, organisation, entry }: LogRow): string => `${custodian}/${organisation}/${entry}`

/** What is not in the patient's log all the same: her documents' registrations. */
const leavesEntry: ReadonlySet<string> = new Set([
  'RequestAccess',
  'GrantConsent',
  'RevokeConsent',
  'RecordReading',
])

const outboxOf = ({ gateways }: KillRig): OutboxRow[] =>
  Object.values(gateways).flatMap((gateway) => gateway.rows<OutboxRow>('outbox'))

interface Found {
  readonly answers: readonly Answer[]
  /** What the log has that it had not before. */
  readonly rows: readonly LogRow[]
  /** What the outboxes have that they had not before. */
  readonly noted: readonly OutboxRow[]
}

function judge(
  rig: KillRig,
  operation: Operation,
  { answers, rows, noted }: Found,
): Pick<Verdict, 'lost' | 'doubled' | 'unlogged'> {
  const own = rows.filter(({ kind }) => kind === operation.kind)
  const entries = new Set(own.map(({ entry }) => entry))
  const releases = rows.filter(({ kind }) => kind === 'release')
  const good = answers.filter(({ status }) => status < 300)
  const acknowledged = good.flatMap((answer) => answer.entries)
  const logged = new Set(rows.map(({ entry }) => entry))
  const named = (state: string): string[] =>
    noted.filter((row) => row.state === state).map(({ request }) => request)
  const delivered = Object.values(rig.gateways)
    .flatMap((gateway) => gateway.rows<ReleaseRow>('releases'))
    .filter(({ access }) => entries.has(access))
  const isPermitted = (entry: string): boolean =>
    own.some((row) => row.entry === entry && row.outcome === 'permit')
  const hasContent = answers.filter(
    ({ status, body }) => operation.kind === 'access' && status === 200 && body?.resourceType === 'Bundle',
  )
  const releaseOf = (access: string): number => releases.filter(({ of }) => of === access).length
  const names = own.map(nameOf)
  return {
    lost: [
      ...(operation.kind === undefined ? [] : acknowledged.filter((entry) => !entries.has(entry))),
      ...named('committed').filter((request) => !logged.has(request)),
      ...delivered.map(({ access }) => access).filter((access) => releaseOf(access) === 0),
    ],
    doubled: [
      ...names.filter((name, index) => names.indexOf(name) !== index),
      // Cancelled and committed cannot both be.
      ...named('cancelled').filter((request) => logged.has(request)),
      ...own.slice(operation.placements).map(({ entry }) => entry),
      ...delivered.map(({ access }) => access).filter((access) => releaseOf(access) > 1),
      ...hasContent.slice(1).flatMap((answer) => answer.entries),
    ],
    unlogged: [
      ...hasContent.flatMap((answer) => answer.entries).filter((entry) => !isPermitted(entry)),
      ...releases.flatMap(({ of = '' }) => (entries.has(of) ? [] : [of])),
    ],
  }
}

/** The kill-point table: one line an operation and step. */
export function tableOf(verdicts: readonly Verdict[]): string {
  const grouped = Map.groupBy(verdicts, ({ operation, point }) => `${operation} | ${point.label}`)
  const lines = [...grouped].map(([name, group]) => {
    const count = (pick: (verdict: Verdict) => readonly string[]): number =>
      group.reduce((sum, verdict) => sum + pick(verdict).length, 0)
    const kills = group.filter(({ killed }) => killed).length
    return `| ${name} | ${kills} | ${count(({ lost }) => lost)} | ${count(({ doubled }) => doubled)} | ${count(({ unlogged }) => unlogged)} |`
  })
  const all = verdicts.filter(({ killed }) => killed).length
  return [
    '| operation | step | kills | lost | doubled | released without entry |',
    '|---|---|---|---|---|---|',
    ...lines,
    `| all | | ${all} | ${verdicts.flatMap(({ lost }) => lost).length} | ${verdicts.flatMap(({ doubled }) => doubled).length} | ${verdicts.flatMap(({ unlogged }) => unlogged).length} |`,
  ].join('\n')
}
