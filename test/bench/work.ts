import { complete } from 'medledger-chaincode/api'
import type { BareNetwork } from './bare-network.ts'
import type { BenchProjection } from './comparisons/lists.ts'
import type { BenchInstance } from './instance.ts'
import type { BenchPatient } from './patients.ts'
import type { StockLedger } from './stock-sdk.ts'

/** All that the comparisons run on. */
export interface Bench {
  readonly instance: BenchInstance
  readonly bare: BareNetwork
  readonly stock: StockLedger
  readonly projection: BenchProjection
  /** Known to the ledger; there are `hot` fewer ones among them. */
  readonly patients: readonly BenchPatient[]
  /** With documents that can be released, one each. */
  readonly readable: readonly BenchPatient[]
  /** One with fifty of them. */
  readonly thick: BenchPatient
}

/** What South's doctor asks of the ledger for these documents. */
export const accessFields = (
  recipient: BenchInstance['recipient'],
  documents: readonly string[],
): Parameters<typeof complete<'RequestAccess'>>[0] => ({
  custodian: 'north',
  documents: [...documents],
  purpose: 'TREAT',
  recipient,
})

/** RequestAccess at South by its doctor, with the product's client and no gateway. */
export async function requestAccess(instance: BenchInstance, documents: readonly string[]): Promise<void> {
  const { client } = instance.ledger('south')
  const token = instance.token('dr.chen')
  await client.submit('RequestAccess', accessFields(instance.recipient, documents), { token })
}

/** The same request through the SDK as it comes. */
export const requestAccessByStock = (
  { instance, stock }: Pick<Bench, 'instance' | 'stock'>,
  documents: readonly string[],
): Promise<void> =>
  stock.submit(
    'RequestAccess',
    complete<'RequestAccess'>(accessFields(instance.recipient, documents)),
    instance.token('dr.chen'),
    ['NorthMSP', 'SouthMSP'],
  )

/** Reads documents as South's doctor over HTTP: recorded, released by North, opened by South. */
export async function readDocuments(
  instance: Pick<BenchInstance, 'gateways' | 'token'>,
  documents: readonly string[],
): Promise<void> {
  const path = documents.length === 1 ? `/${documents[0]}` : `?_id=${documents.join(',')}`
  await expectStatus(200, `${instance.gateways['south']}/fhir/Bundle${path}`, instance.token('dr.chen'))
}

/** Sends JSON, or nothing with GET, and takes the whole answer. Errors: for any other status. */
export async function expectStatus(status: number, url: string, token: string, body?: object): Promise<void> {
  const response = await fetch(url, {
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (response.status !== status) throw new Error(`${response.status} ${codeIn(text)}`)
}

/** The error code in a problem or an OperationOutcome. */
const codeIn = (text: string): string => /\b[A-Z]+(_[A-Z]+)+\b/.exec(text)?.[0] ?? ''
