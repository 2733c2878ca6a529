export * from './files.ts'
export * from './people.ts'
