import type { Asked } from '../asked.ts'
import { inTurn, type BenchPatient } from '../patients.ts'
import type { Arm, Comparison } from '../rounds.ts'
import { expectStatus, readDocuments } from '../work.ts'

/** A running network, of one source tree or of one kind, with documents to read. */
export interface Tree {
  readonly name: string
  readonly instance: Asked
  readonly readable: readonly BenchPatient[]
}

type Operation = (instance: Asked, patient: BenchPatient) => Promise<void>

const operations: readonly (readonly [name: string, Operation])[] = [
  [
    'GET a document (access, release, its entry)',
    (instance, { documents }) => readDocuments(instance, documents),
  ],
  [
    'GET a list of documents (an entry in each placement)',
    ({ gateways, token }, { handle }) =>
      expectStatus(200, `${gateways['south']}/fhir/DocumentReference?patient=${handle}`, token('dr.chen')),
  ],
  [
    'GET a page of the log (an entry in each placement)',
    ({ gateways, patientToken }, { handle }) =>
      expectStatus(
        200,
        `${gateways['authority']}/fhir/AuditEvent?patient=${handle}`,
        patientToken(handle, 'authority'),
      ),
  ],
]

/** The same access by the ledger port, where both networks can be reached there. */
function ledgerOperations(trees: readonly [Tree, Tree]): typeof operations {
  if (!trees.every(({ instance }) => instance.access !== undefined)) return []
  const access: Operation = async (instance, { documents }) => instance.access?.(documents)
  return [['RequestAccess by the ledger port', access]]
}

/** What people do on one network against the same on another one. */
export function compareTrees(trees: readonly [Tree, Tree]): Comparison[] {
  const arm = ({ name, instance, readable }: Tree, operate: Operation): Arm => {
    const next = inTurn(readable)
    const { processes, quiet: settled } = instance
    return { name, processes, settled, run: () => operate(instance, next()) }
  }
  const [own, other] = trees
  return [...ledgerOperations(trees), ...operations].flatMap(([operation, operate]) =>
    [1, 20].map((inFlight) => ({
      name: `${operation}, ${inFlight} in flight, ${own.name} : ${other.name}`,
      operation,
      inFlight,
      arms: [arm(own, operate), arm(other, operate)] as const,
    })),
  )
}
