export * from './decide.ts'
export * from './directive.ts'
export * from './facts.ts'
export * from './period.ts'
