/**
 * The roles and purposes of use that an asker can have. A directive for any other would never apply, which for a deny
 * is the opposite of what its patient means.
 */
export const knownRoles: readonly string[] = ['doctor', 'patient', 'auditor', 'custodian', 'operator']

/** Codes of HL7 v3 ActReason. */
export const knownPurposes: readonly string[] = [
  'TREAT',
  'ETREAT',
  'BTG',
  'CAREMGT',
  'COVERAGE',
  'HMARKT',
  'HOPERAT',
  'HPAYMT',
  'HRESCH',
  'PATADMIN',
  'PATRQT',
  'PUBHLTH',
]
