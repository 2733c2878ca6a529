import './silence.ts'

export { Gateway } from 'fabric-network'
export { User } from 'fabric-common'
