import type { BenchInstance } from '../instance.ts'
import { inTurn, type BenchPatient } from '../patients.ts'
import type { Arm, Comparison } from '../rounds.ts'
import { readDocuments } from '../work.ts'

/** An instance of one source tree, with documents to read. */
export interface Tree {
  readonly name: string
  readonly instance: BenchInstance
  readonly readable: readonly BenchPatient[]
}

/** Whole readings on this source tree against the same on another one: every process runs its own tree's code. */
export function compareTrees(trees: readonly [Tree, Tree]): Comparison[] {
  const arm = ({ name, instance, readable }: Tree): Arm => {
    const next = inTurn(readable)
    const { processes, quiet: settled } = instance
    return { name, processes, settled, run: () => readDocuments(instance, next().documents) }
  }
  const [own, other] = trees
  return [1, 20].map((inFlight) => ({
    name: `${inFlight} in flight, ${own.name} : ${other.name}`,
    operation: 'GET a document (access, release, its entry)',
    inFlight,
    arms: [arm(own), arm(other)],
  }))
}
