/** What an asker can be. A directive for any other role would never apply, and a deny protect nobody. */
export const roles = ['doctor', 'patient', 'auditor', 'custodian', 'operator'] as const

/** The system of the roles as an actor's identifier. */
export const roleSystem = 'urn:medledger:role'

/** The system of the codes with which a Consent's `policyRule` chooses a default policy. */
export const defaultPolicySystem = 'urn:medledger:default-policy'
