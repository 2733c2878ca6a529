export * from './files.ts'
export * from './issuer.ts'
export * from './people.ts'
