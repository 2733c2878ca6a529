export * from './keep.ts'
export { prepareProjection, projectionVersion } from './tables.ts'
export { answerLists, type AnswerSource } from './answer.ts'
