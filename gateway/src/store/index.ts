export * from './open.ts'
export * from './positions.ts'
export * from './sqlite.ts'
