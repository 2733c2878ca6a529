export * from './constitution.ts'
export * from './error.ts'
export * from './placements.ts'
