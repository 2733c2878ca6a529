export * from './open.ts'
export * from './positions.ts'
export * from './sqlite.ts'
export type { DocumentRow } from './schema.ts'
