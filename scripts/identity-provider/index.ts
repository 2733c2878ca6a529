export * from './client.ts'
export * from './clients.ts'
export * from './keys.ts'
export * from './rotate.ts'
