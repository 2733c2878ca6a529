import { peer } from '../../fabric/message.ts'

/** Fabric's `protos.TxValidationCode`. */
export const code = peer.TxValidationCode
export type ValidationCode = (typeof code)[keyof typeof code]

const names = new Map<number, string>(Object.entries(code).map(([name, value]) => [value, name]))

export const codeName = (value: number): string => names.get(value) ?? String(value)
