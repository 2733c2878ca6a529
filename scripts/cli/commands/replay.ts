import { placementOf, type Constitution, type ReplayAnswer } from 'medledger-chaincode/api'
import type { Operator } from '../../start/operator.ts'
import { replayPages } from '../../start/replay.ts'
import { exitCodes, Failure } from '../exit-codes.ts'
import { withOperator, type OperatorOptions } from '../operator.ts'
import { table, writeJson, type Output } from '../output.ts'

export interface ReplayOptions extends OperatorOptions {
  readonly custodian?: readonly string[]
}

type At<Value> = Value & { readonly custodian: string }

/** What came of all pages of all placements. */
interface Replayed {
  checked: number
  readonly differences: At<ReplayAnswer['differences'][number]>[]
  readonly unreplayable: At<ReplayAnswer['unreplayable'][number]>[]
}

/**
 * `medledger replay`: decides every access again, on the own peer, from the versions that its entry names. Exit 6 when
 * anything comes out differently.
 */
export async function replay(options: ReplayOptions, output: Output): Promise<void> {
  const found = await withOperator(options, (operator) => replayAll(operator, options, output))
  report(found, options, output)
}

/** Asks for all pages, and says on standard error how far it is. Errors: those of the ledger, exit 2. */
export async function replayAll(
  operator: Operator,
  options: ReplayOptions,
  { err }: Pick<Output, 'err'>,
): Promise<Replayed> {
  const found: Replayed = { checked: 0, differences: [], unreplayable: [] }
  for (const custodian of custodiansFor(options, operator.constitution)) {
    for await (const page of replayPages(operator, { organisation: options.org, custodian })) {
      found.checked += page.checked
      found.differences.push(...page.differences.map((one) => ({ custodian, ...one })))
      found.unreplayable.push(...page.unreplayable.map((one) => ({ custodian, ...one })))
      if (page.next !== undefined) err(`${found.checked} accesses so far, at ${custodian}\n`)
    }
  }
  return found
}

/** Errors: exit 6 when there are differences. */
export function report(found: Replayed, { json }: Pick<ReplayOptions, 'json'>, output: Output): void {
  if (json) writeJson(output, found)
  else output.out(render(found))
  const count = found.differences.length
  if (count === 0) return
  const words = count === 1 ? 'One thing comes' : `${count} things come`
  throw new Failure(exitCodes.verificationFailed, `${words} out differently.`)
}

/** The placements that the organisation is a member of, or those of them that are named. Errors: exit 2. */
function custodiansFor({ org, custodian }: ReplayOptions, constitution: Constitution): readonly string[] {
  const held = constitution.placements
    .filter(({ members }) => members.includes(org))
    .map((one) => one.custodian)
  if (custodian === undefined) return held
  const other = custodian.find((name) => !held.includes(placementOf(constitution, name).custodian))
  if (other === undefined) return [...new Set(custodian)]
  throw new Failure(
    exitCodes.badInput,
    `${org} is no member of the placement of ${other}: ${held.join(', ')}.`,
  )
}

function render({ checked, differences, unreplayable }: Replayed): string {
  const differing = differences.map(({ custodian, entry, through, what, document, was, is }) => [
    custodian,
    through,
    entry,
    document ?? what,
    was,
    is,
  ])
  const others = unreplayable.map(({ custodian, entry, through, because }) => [
    custodian,
    through,
    entry,
    because,
  ])
  return [
    `${checked} accesses decided again, ${differences.length} differences, ${unreplayable.length} that cannot be decided again\n`,
    differing.length > 0 ? table(['custodian', 'through', 'entry', 'of', 'was', 'is'], differing) : '',
    others.length > 0 ? table(['custodian', 'through', 'entry', 'for want of'], others) : '',
  ].join('')
}
