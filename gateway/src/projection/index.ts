export * from './keep.ts'
export { prepareProjection, projectionVersion } from './tables.ts'
