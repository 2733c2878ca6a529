export * from './look-up.ts'
export * from './open.ts'
