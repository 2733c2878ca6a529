import './silence.ts'

export { Gateway } from 'fabric-network'
export { Client, User } from 'fabric-common'
