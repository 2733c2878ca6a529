export * from './client.ts'
export * from './port.ts'
export { connectFabric, type FabricOptions, type FabricTimeouts } from './fabric/connect.ts'
export type { ConnectionProfile } from './fabric/profile.ts'
