export * from './keys.ts'
export * from './vault.ts'
